package plain

import (
	"math"

	"logctl/store"
	"logctl/store/view/js/jstext"
)

// Bounds of what is written, within those of the engine, which has a count of its own.
const (
	maxWritten = 15 << 20
	maxParts   = 1<<20 - 1
)

// write appends v as JSON.stringify writes it inside a list.
func (f *frame) write(dst []byte, v value, depth int) []byte {
	if f.written++; depth > maxDepth || f.written > maxParts || len(dst) > 2*maxWritten {
		f.giveUp()
	}
	switch v.kind {
	case isBoolean:
		if v.n != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case isNumber:
		if math.IsInf(v.n, 0) || math.IsNaN(v.n) {
			return append(dst, "null"...)
		}
		return jstext.AppendNumber(dst, v.n)
	case isText:
		return store.AppendJSONString(dst, v.s)
	case isList:
		dst = append(dst, '[')
		for i := range v.box.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = f.write(dst, f.item(v.box, i), depth+1)
		}
		return append(dst, ']')
	case isObject:
		v.box.order()
		dst = append(dst, '{')
		first := true
		for i, k := range v.box.keys {
			if v.box.items[i].kind == isUndefined {
				f.written++
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(store.AppendJSONString(dst, k), ':')
			dst = f.write(dst, v.box.items[i], depth+1)
		}
		return append(dst, '}')
	}
	return append(dst, "null"...)
}
