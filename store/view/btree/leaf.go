package btree

import (
	"bytes"
	"sort"
	"strconv"

	"logctl/store"
)

// leaf is the rows of a leaf, column by column. It never changes, and is safe for concurrent use.
type leaf struct {
	n       int
	docs    bool               // of a tree of docs; for writing it
	sorts   [][]byte           // of each run of rows with the same
	ends    []int              // of each run
	names   []uint8            // Doc.N; nil: 1 of all
	times   []int64            // Doc.Time; nil where all are named by their ids
	ids     []string           // of the rows that are named by them; nil: none is
	known   func(i int) string // the id of a row's doc, "" where it is not known, in a leaf that is being made
	hashes  []byte             // of the docs that are named by times, in a tree of docs
	again   []uint64           // repetitions in the ids of those; nil: none has any
	repeats []uint64           // nil: none has any
	jsons   [][]byte           // nil: none has any
	numbers []int64            // the values, or
	values  func() [][]byte
}

// run is the number of the run that a row is in.
func (l *leaf) run(i int) int { return sort.SearchInts(l.ends, i+1) }

func (l *leaf) runStart(run int) int {
	if run == 0 {
		return 0
	}
	return l.ends[run-1]
}

// number is the Doc.N of a row.
func (l *leaf) number(i int) uint8 {
	if l.names == nil {
		return 1
	}
	return l.names[i]
}

func (l *leaf) doc(i int) Doc {
	n := l.number(i)
	if n == 0 {
		return Doc{ID: l.ids[i]}
	}
	d := Doc{Time: l.times[i], N: n}
	if l.known != nil {
		d.ID = l.known(i)
	} else if l.hashes != nil {
		again := uint64(0)
		if l.again != nil {
			again = l.again[i]
		}
		d.ID = makeID(d.Time, l.hashes[i*hashBytes:(i+1)*hashBytes], again)
	}
	return d
}

func (l *leaf) repeat(i int) uint32 {
	if l.repeats == nil {
		return 0
	}
	return uint32(l.repeats[i])
}

func (l *leaf) json(i int) []byte {
	if l.jsons == nil || len(l.jsons[i]) == 0 {
		return nil
	}
	return l.jsons[i]
}

// entry is a row of a run.
func (l *leaf) entry(run, i int) Entry {
	e := Entry{Sort: l.sorts[run], Doc: l.doc(i), Repeat: l.repeat(i), JSON: l.json(i)}
	if l.numbers != nil {
		e.Number = l.numbers[i]
	} else {
		e.Value = l.values()[i]
	}
	return e
}

// each calls fn for rows from to to, in order.
func (l *leaf) each(from, to int, fn func(Entry) error) error {
	if from > to || to > l.n {
		return errRows
	}
	for run := l.run(from); from < to; run++ {
		for ; from < min(to, l.ends[run]); from++ {
			if err := fn(l.entry(run, from)); err != nil {
				return err
			}
		}
	}
	return nil
}

// alike is how much of the last sort key all others begin with, 0 if one of them has JSON.
func (l *leaf) alike() int {
	if l.jsons != nil {
		return 0
	}
	return store.Shared(l.sorts[0], l.sorts[len(l.sorts)-1])
}

var errRows = corrupt("leaf whose rows do not add up")

// search is the number of rows before a place.
func (l *leaf) search(place []byte, names *namer) int {
	run := sort.Search(len(l.sorts), func(r int) bool {
		return bytes.HasPrefix(place, l.sorts[r]) || bytes.Compare(l.sorts[r], place) >= 0
	})
	start := l.runStart(run)
	if run == len(l.sorts) || !bytes.HasPrefix(place, l.sorts[run]) {
		return start
	}
	rest := place[len(l.sorts[run]):]
	if len(rest) == 0 {
		return start
	}
	return start + sort.Search(l.ends[run]-start, func(i int) bool { return l.comparePlace(start+i, rest, names) >= 0 })
}

// comparePlace compares what follows the sort key in the place of a row with rest.
func (l *leaf) comparePlace(i int, rest []byte, names *namer) int {
	var room [64]byte
	if l.names == nil || l.names[i] > 0 {
		n := min(len(rest), timeDigits)
		if c := bytes.Compare(appendTime(room[:0], l.times[i])[:n], rest[:n]); c != 0 {
			return c
		}
		if n < timeDigits {
			return 1
		}
	}
	return bytes.Compare(appendPlace(room[:0], nil, names.id(l.doc(i)), l.repeat(i)), rest)
}

// Rows are rows of one leaf. They hold as long as they are kept.
type Rows struct {
	l        *leaf
	from, to int
	names    *namer
}

// Len is how many rows there are.
func (r Rows) Len() int { return r.to - r.from }

// Numbers are the values if all are integers of up to 15 digits.
func (r Rows) Numbers() ([]int64, bool) {
	if r.l.numbers == nil {
		return nil, false
	}
	return r.l.numbers[r.from:r.to], true
}

// Each calls fn for the rows in order.
func (r Rows) Each(fn func(Entry) error) error { return r.l.each(r.from, r.to, fn) }

// ID is the id of the doc of a row. After an error, which Err tells, ids are empty.
func (r Rows) ID(e Entry) string { return r.names.id(e.Doc) }

// Err is the error that reading an id ended with.
func (r Rows) Err() error { return r.names.err }

// AppendValue appends the value of a row as JSON.
func (e *Entry) AppendValue(dst []byte) []byte {
	if e.Value != nil {
		return append(dst, e.Value...)
	}
	return strconv.AppendInt(dst, e.Number, 10)
}

// memory is about what the leaf takes.
func (l *leaf) memory() int {
	size := l.n*8 + len(l.names) + 32*len(l.ids) + len(l.hashes) + 8*(len(l.again)+len(l.repeats)) + 24*len(l.jsons)
	for i, s := range l.sorts {
		if size += 32; i > 0 {
			size += len(s)
		}
	}
	return size
}
