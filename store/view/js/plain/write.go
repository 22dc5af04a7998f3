package plain

import (
	"math"
	"strconv"
	"time"

	"logctl/store"
	"logctl/store/view/js/jstext"
)

// Bounds of what is written, within those of the engine, which has a count of its own.
const (
	maxWritten = 15 << 20 // bytes of what one run writes
	maxParts   = 1<<20 - 2
)

// write appends v as JSON.stringify writes it inside a list.
func (f *frame) write(dst []byte, v value, depth int) []byte {
	switch v.kind {
	case isBoolean:
		return strconv.AppendBool(dst, v.n != 0)
	case isNumber:
		if v.n-v.n == 0 { // it is finite
			return jstext.AppendNumber(dst, v.n)
		}
	case isText:
		if len(dst) > f.limit {
			f.giveUp()
		}
		return store.AppendJSONString(dst, v.s)
	case isDate:
		return f.writeDate(dst, v.n)
	case isList, isObject:
		b := f.boxOf(v)
		if f.over(b.raw); b.raw != "" && isStringified(b.raw) {
			f.count(len(b.raw)/2, len(dst), depth) // there are no more in it
			return append(dst, b.raw...)
		}
		if b.unread {
			f.readBox(b)
		}
		if f.count(len(b.items), len(dst), depth); v.kind == isObject {
			return f.writeObject(dst, b, depth)
		}
		dst = append(dst, '[')
		for i := range b.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = f.write(dst, f.item(b, i), depth+1)
		}
		return append(dst, ']')
	}
	return append(dst, "null"...)
}

// count counts the parts of a list or an object that is written behind so many bytes, which are steps, too: of members that are undefined
// nothing is written.
func (f *frame) count(n, bytes, depth int) {
	f.steps += n
	if f.written += n; f.written > maxParts || bytes > f.limit || depth > maxDepth {
		f.giveUp()
	}
}

func (f *frame) writeObject(dst []byte, b *box, depth int) []byte {
	b.order()
	dst = append(dst, '{')
	first := true
	for i, k := range b.keys {
		if b.items[i].kind == isUndefined {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(store.AppendJSONString(dst, k), ':')
		dst = f.write(dst, b.items[i], depth+1)
	}
	return append(dst, '}')
}

// writeDate appends what a Date's toJSON gives.
func (f *frame) writeDate(dst []byte, ms float64) []byte {
	if math.IsNaN(ms) {
		return append(dst, "null"...)
	}
	t := time.UnixMilli(int64(ms)).UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		f.giveUp()
	}
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}
