package collate

import (
	"math"

	"logctl/store"
)

// Printer makes the JSON of plain keys (see Order.Append), as AppendJSON does, where they come in order: what the next one begins with as
// the one before did is not made again. The zero Printer is ready.
type Printer struct {
	key  []byte // the last one, an array
	json []byte // of it
	ends []end  // of the elements of it that were made
}

// end is where an element of an array ends, in its sort key and in JSON.
type end struct{ key, json int }

// WholeKey is a level that no array has.
const WholeKey = math.MaxInt

// JSON is that of a key or, if it is an array, of its first elements up to the level, which is at least 1. It holds until the next call.
// It is false where that part of the key is not plain. The key must not change before the next call.
func (p *Printer) JSON(key []byte, level int) ([]byte, bool) {
	key = key[scopeLen(key):]
	if len(key) == 0 || key[0] != kindArray {
		p.key, p.ends = nil, p.ends[:0]
		var ok bool
		p.json, ok = AppendJSON(p.json[:0], key)
		return p.json, ok
	}
	n := min(len(p.ends), level)
	for same := store.Shared(p.key, key); n > 0 && p.ends[n-1].key > same; {
		n--
	}
	r := reader{k: key[1:], t: tables()}
	if p.key, p.ends = key, p.ends[:n]; n > 0 {
		last := p.ends[n-1]
		r.k, p.json = key[last.key:], p.json[:last.json]
	} else {
		p.json = append(p.json[:0], '[')
	}
	for ; n < level; n++ {
		if len(r.k) > 0 && r.k[0] == keyEnd {
			if len(r.k) > 1 {
				return nil, false
			}
			break
		}
		if n > 0 {
			p.json = append(p.json, ',')
		}
		var ok bool
		if p.json, ok = r.value(p.json); !ok {
			return nil, false
		}
		p.ends = append(p.ends, end{len(key) - len(r.k), len(p.json)})
	}
	p.json = append(p.json, ']')
	return p.json, true
}
