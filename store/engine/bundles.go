package engine

import (
	"encoding/binary"
	"slices"

	"logctl/store/engine/bundle"
)

// bundled is a by-sequence record that holds several docs: docs that came in one call and were new. Their sequences follow
// each other, and the record stands under the last of them. Its bytes are shared with what it was parsed from.
type bundled struct {
	last uint64 // sequence of its last doc
	n    int    // docs, those that left included
	gone []int  // indexes of docs that left, ascending
	place
	counts  *counters
	content []byte       // the bundle
	docs    *bundle.Docs // what is in content, if that was parsed
	ids     *bundle.Index
}

// place says how docs of a bundle are found by their ids.
type place struct {
	lane      int  // of the bundle's span; noLane: each doc has a by-id record
	unordered bool // the docs are not in the order of their ids
}

// noLane is where bundles without a span are.
const noLane = -1

// leastBundle is how many docs are worth a bundle.
const leastBundle = 4

func isBundle(record []byte) bool { return len(record) > 0 && record[0]&recordMask == recordBundle }

// appendBundleHead appends what stands in front of a bundle of n docs, and may change.
func appendBundleHead(dst []byte, n int, gone []int, p place, counts *counters) []byte {
	flags := recordBundle
	if p.lane != noLane {
		flags |= flagSpan
	}
	if p.unordered {
		flags |= flagUnordered
	}
	if counts != nil {
		flags |= flagCounts
	}
	dst = binary.AppendUvarint(append(dst, flags), uint64(n))
	dst = binary.AppendUvarint(dst, uint64(len(gone)))
	for _, i := range gone {
		dst = binary.AppendUvarint(dst, uint64(i))
	}
	if p.lane != noLane {
		dst = append(dst, byte(p.lane))
	}
	if counts != nil {
		dst = counts.append(dst)
	}
	return dst
}

// parseBundleHead reads a record but for the bundle in it.
func parseBundleHead(last uint64, record []byte) (bundled, error) {
	d := decoder{src: record}
	flags := d.byte()
	b := bundled{last: last, n: d.docs()}
	b.gone = make([]int, d.docs())
	for i := range b.gone {
		b.gone[i] = int(min(d.uvarint(), uint64(b.n)))
		if b.gone[i] >= b.n || i > 0 && b.gone[i] <= b.gone[i-1] {
			d.short()
		}
	}
	b.place = place{lane: noLane, unordered: flags&flagUnordered != 0}
	if flags&flagSpan != 0 {
		if b.lane = int(d.byte()); b.lane >= maxLanes {
			d.short()
		}
	}
	if flags&flagCounts != 0 {
		b.counts = new(counters)
		*b.counts = d.counters()
	}
	b.content = d.src
	if uint64(b.n) > last || b.n == 0 {
		d.short()
	}
	return b, d.err("bundle")
}

// docs reads a number of docs in a bundle.
func (d *decoder) docs() int {
	n := d.uvarint()
	if n > bundle.MaxDocs {
		d.short()
		return 0
	}
	return int(n)
}

func parseBundle(last uint64, record []byte) (*bundled, error) {
	b, err := parseBundleHead(last, record)
	if err == nil {
		err = b.open()
	}
	return &b, err
}

// open parses the bundle.
func (b *bundled) open() (err error) {
	if b.docs, err = bundle.Parse(b.content, b.n); err != nil {
		return errCorrupt(err)
	}
	return nil
}

func (b *bundled) first() uint64 { return b.last - uint64(b.n) + 1 }

// spans tells whether the sequence is within the bundle's, though its doc may have left.
func (b *bundled) spans(seq uint64) bool { return seq >= b.first() && seq <= b.last }

// has tells whether the doc of a sequence that the bundle spans is still in it.
func (b *bundled) has(seq uint64) bool {
	return b.here(int(seq - b.first()))
}

// index is of the docs' ids; the bundle was opened.
func (b *bundled) index() *bundle.Index {
	if b.ids == nil {
		b.ids = bundle.NewIndex(b.docs, !b.unordered)
	}
	return b.ids
}

// here tells whether the i-th doc is still in the bundle.
func (b *bundled) here(i int) bool {
	_, gone := slices.BinarySearch(b.gone, i)
	return !gone
}
