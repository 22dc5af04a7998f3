package btree

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// leaf reads rows out of a leaf as it is written.
type leaf struct {
	rows     []byte // from the beginning of the node to the end of the rows
	restarts []byte
	n        int
}

// cursor walks over rows. Its key is overwritten by the next one.
type cursor struct {
	d      decoder
	shared int // what the key has in common with the one before it, at least
	key    []byte
	val    []byte
}

func (c *cursor) next() bool {
	c.key, c.shared = c.d.key(c.key, c.key)
	c.val = c.d.bytes()
	return !c.d.bad
}

// at is a cursor before a restart.
func (l *leaf) at(restart int, key []byte) cursor {
	at := binary.LittleEndian.Uint32(l.restarts[restart*restartSize:])
	if uint64(at) > uint64(len(l.rows)) {
		return cursor{d: decoder{bad: true}}
	}
	return cursor{d: decoder{data: l.rows[at:]}, key: key[:0]}
}

// first is the key of a restart, which is there in full; nil if it is not.
func (l *leaf) first(restart int) []byte {
	c := l.at(restart, nil)
	c.d.uvarint()
	return c.d.bytes()
}

var errRows = corrupt("leaf whose rows do not add up")

// search is the number of rows with keys less than key.
func (l *leaf) search(key []byte) (int, error) {
	bad := false
	restart := sort.Search(len(l.restarts)/restartSize, func(i int) bool {
		first := l.first(i)
		bad = bad || first == nil
		return bytes.Compare(first, key) >= 0
	}) - 1
	if bad {
		return 0, errRows
	}
	if restart < 0 {
		return 0, nil
	}
	var scratch [128]byte
	c := l.at(restart, scratch[:])
	for i := restart * restartEvery; i < min((restart+1)*restartEvery, l.n); i++ {
		if !c.next() {
			return 0, errRows
		}
		if bytes.Compare(c.key, key) >= 0 {
			return i, nil
		}
	}
	return min((restart+1)*restartEvery, l.n), nil
}

// each calls fn for rows from to to, in order. The key holds only during the call.
func (l *leaf) each(from, to int, fn func(Entry) error) error {
	if to > l.n {
		return corrupt("a leaf with fewer rows than counted")
	}
	restart := from / restartEvery
	c := l.at(restart, make([]byte, 0, 64))
	for i := restart * restartEvery; i < to; i++ {
		if !c.next() {
			return errRows
		}
		if i < from {
			continue
		}
		if err := fn(Entry{Key: c.key, Value: c.val}); err != nil {
			return err
		}
	}
	return nil
}

// entries are the rows from to to.
func (l *leaf) entries(from, to int) ([]Entry, error) {
	if from > to || to > l.n {
		return nil, corrupt("a leaf with fewer rows than counted")
	}
	list := make([]Entry, 0, to-from)
	var arena []byte
	err := l.each(from, to, func(e Entry) error {
		if cap(arena)-len(arena) < len(e.Key) {
			arena = make([]byte, 0, max(len(e.Key)*(to-from-len(list)), 256))
		}
		start := len(arena)
		arena = append(arena, e.Key...)
		list = append(list, Entry{Key: arena[start:len(arena):len(arena)], Value: e.Value})
		return nil
	})
	return list, err
}
