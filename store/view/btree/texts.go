package btree

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"logctl/store"
	"logctl/store/view/collate"
)

// A column of texts is cut into parts where the texts are sort keys: scalars and what is between them. Texts with the same number of
// parts have a shape in common; the n-th parts of all texts of a shape are a column of parts.
//
//	number of shapes; for each the number of its parts; if there are several, for each text the number of its shape (numbers)
//	for each shape its columns of parts, each beginning with its kind:
//	  0 same    the text
//	  1 few     how many different ones, sorted (list); for each text its number (numbers)
//	  2 runs    how many runs of equal ones; how long each is, less one (numbers); one of each (list)
//	  3 again   the number of the column of this shape that is the same
//	list, beginning with its kind:
//	  0 texts      how much each text shares with the one before (numbers), how much follows (numbers), what follows
//	  1 addresses  the number of the first IPv4 address (uvarint), how much greater than the one before each other is, modulo 2^32
//	               (numbers); they are numbered as collate.Address does
const (
	partsSame  byte = 0
	partsFew   byte = 1
	partsRuns  byte = 2
	partsAgain byte = 3

	listTexts     byte = 0
	listAddresses byte = 1

	maxShapes = 16 // texts of more shapes are not cut
	maxParts  = 96 // a longer text is not cut
)

// cutter cuts a text into parts, appending where each ends but the last.
type cutter func(dst []int, text []byte) []int

// whole does not cut.
func whole(dst []int, _ []byte) []int { return dst }

// cutKeys cuts a run of sort keys, each behind as many bytes as prefix.
func cutKeys(prefix int) cutter {
	return func(dst []int, text []byte) []int {
		start := len(dst)
		for at := 0; at+prefix < len(text); {
			base := at + prefix
			n := collate.Scalars(text[base:], func(from, to int) {
				dst = append(dst, base+from, base+to)
			})
			if n == 0 || len(dst)-start >= maxParts {
				return dst[:start]
			}
			at = base + n
		}
		return dst
	}
}

// textWriter is scratch space for columns of texts. One that has written leaves of docs has some MB, many times what is written when one
// doc changes, so it is used again.
type textWriter struct {
	cuts    []int
	ends    []int // of each text, in cuts
	shapes  []int // numbers of parts
	shapeOf []uint64
	columns [][][]byte // of a shape's parts
	spans   [][2]int   // of the columns of a shape, in what is written; 0, 0 for those that are the same as one before or in all texts
	few     map[string]uint64
	numbers []uint64
}

// textWriters hold memory to be used again and nothing else.
var textWriters = sync.Pool{New: func() any { return new(textWriter) }}

// free gives w back. What it has written may be gone.
func (w *textWriter) free() {
	for _, c := range w.columns {
		clear(c[:cap(c)])
	}
	clear(w.few)
	textWriters.Put(w)
}

// append appends a column of texts.
func (w *textWriter) append(dst []byte, texts [][]byte, cut cutter) []byte {
	w.cuts, w.ends, w.shapes, w.shapeOf = w.cuts[:0], w.ends[:0], w.shapes[:0], w.shapeOf[:0]
	for _, t := range texts {
		start := len(w.cuts)
		w.cuts = cut(w.cuts, t)
		w.ends = append(w.ends, len(w.cuts))
		s := slices.Index(w.shapes, len(w.cuts)-start+1)
		if s < 0 {
			if s = len(w.shapes); s == maxShapes {
				return w.append(dst, texts, whole)
			}
			w.shapes = append(w.shapes, len(w.cuts)-start+1)
		}
		w.shapeOf = append(w.shapeOf, uint64(s))
	}
	dst = binary.AppendUvarint(dst, uint64(len(w.shapes)))
	for _, parts := range w.shapes {
		dst = binary.AppendUvarint(dst, uint64(parts))
	}
	if len(w.shapes) > 1 {
		dst = appendNumbers(dst, w.shapeOf)
	}
	for s, parts := range w.shapes {
		dst = w.shape(dst, texts, s, parts)
	}
	return dst
}

// shape appends the columns of a shape.
func (w *textWriter) shape(dst []byte, texts [][]byte, shape, parts int) []byte {
	w.split(texts, shape, parts)
	w.spans = w.spans[:0]
	for p, list := range w.columns[:parts] {
		start := len(dst)
		runs := countRuns(list)
		if runs == 1 {
			dst = appendBytes(append(dst, partsSame), list[0])
			w.spans = append(w.spans, [2]int{})
			continue
		}
		before := w.equal(p)
		if before < 0 {
			dst = w.column(dst, list, runs)
			w.spans = append(w.spans, [2]int{start, len(dst)})
			continue
		}
		if at := w.spans[before]; at[1]-at[0] > 3 {
			dst = binary.AppendUvarint(append(dst, partsAgain), uint64(before))
		} else {
			dst = append(dst, dst[at[0]:at[1]]...)
		}
		w.spans = append(w.spans, [2]int{})
	}
	return dst
}

// split fills w.columns with the parts of the texts of a shape.
func (w *textWriter) split(texts [][]byte, shape, parts int) {
	for len(w.columns) < parts {
		w.columns = append(w.columns, nil)
	}
	for p := range parts {
		w.columns[p] = w.columns[p][:0]
	}
	for i, t := range texts {
		if w.shapeOf[i] != uint64(shape) {
			continue
		}
		from := 0
		for p, to := range w.cuts[w.ends[i]-parts+1 : w.ends[i]] {
			w.columns[p] = append(w.columns[p], t[from:to])
			from = to
		}
		w.columns[parts-1] = append(w.columns[parts-1], t[from:])
	}
}

// equal is the number of a column before the p-th that is the same and is written, -1 if there is none.
func (w *textWriter) equal(p int) int {
	list := w.columns[p]
	for before := range p {
		if w.spans[before][1] > 0 && slices.EqualFunc(w.columns[before], list, bytes.Equal) {
			return before
		}
	}
	return -1
}

func countRuns(list [][]byte) int {
	runs := 1
	for i := 1; i < len(list); i++ {
		if !bytes.Equal(list[i], list[i-1]) {
			runs++
		}
	}
	return runs
}

// column appends a column of parts that are not all the same.
func (w *textWriter) column(dst []byte, list [][]byte, runs int) []byte {
	start := len(dst)
	dst = w.runs(dst, list, runs)
	if runs < 3 {
		return dst
	}
	between := len(dst)
	var ok bool
	if dst, ok = w.fewParts(dst, list); ok && len(dst)-between < between-start {
		return append(dst[:start], dst[between:]...)
	}
	return dst[:between]
}

func (w *textWriter) runs(dst []byte, list [][]byte, runs int) []byte {
	dst = binary.AppendUvarint(append(dst, partsRuns), uint64(runs))
	w.numbers = w.numbers[:0]
	heads := make([][]byte, 0, runs)
	for i, p := range list {
		if i > 0 && bytes.Equal(p, list[i-1]) {
			w.numbers[len(w.numbers)-1]++
			continue
		}
		w.numbers = append(w.numbers, 0)
		heads = append(heads, p)
	}
	return w.list(appendNumbers(dst, w.numbers), heads)
}

// fewParts is false where most are different.
func (w *textWriter) fewParts(dst []byte, list [][]byte) ([]byte, bool) {
	if w.few == nil {
		w.few = map[string]uint64{}
	}
	clear(w.few)
	w.numbers = w.numbers[:0]
	var different [][]byte
	for i, p := range list {
		if i > 0 && bytes.Equal(p, list[i-1]) {
			w.numbers = append(w.numbers, w.numbers[i-1])
			continue
		}
		n, there := w.few[string(p)]
		if !there {
			n = uint64(len(different))
			if different = append(different, p); 2*len(different) > len(list)+4 {
				return dst, false
			}
			w.few[string(p)] = n
		}
		w.numbers = append(w.numbers, n)
	}
	sorted := make([]int, len(different))
	for i := range sorted {
		sorted[i] = i
	}
	slices.SortFunc(sorted, func(a, b int) int { return bytes.Compare(different[a], different[b]) })
	places, texts := make([]uint64, len(sorted)), make([][]byte, len(sorted))
	for i, n := range sorted {
		places[n], texts[i] = uint64(i), different[n]
	}
	dst = w.list(binary.AppendUvarint(append(dst, partsFew), uint64(len(texts))), texts)
	for i, n := range w.numbers {
		w.numbers[i] = places[n]
	}
	return appendNumbers(dst, w.numbers), true
}

func (w *textWriter) list(dst []byte, texts [][]byte) []byte {
	if first, more, ok := addresses(texts); ok {
		return appendNumbers(binary.AppendUvarint(append(dst, listAddresses), uint64(first)), more)
	}
	dst = append(dst, listTexts)
	same, rest := make([]uint64, len(texts)), make([]uint64, len(texts))
	var last []byte
	for i, t := range texts {
		n := store.Shared(last, t)
		same[i], rest[i], last = uint64(n), uint64(len(t)-n), t
	}
	dst = appendNumbers(dst, same)
	dst = appendNumbers(dst, rest)
	for i, t := range texts {
		dst = append(dst, t[same[i]:]...)
	}
	return dst
}

// addresses gives the number of the first text, and how much greater than the one before each other is, if all are addresses.
func addresses(texts [][]byte) (first uint32, more []uint64, ok bool) {
	var last uint32
	for i, t := range texts {
		n, ok := collate.Address(t)
		if !ok {
			return 0, nil, false
		}
		if i == 0 {
			first, more = n, make([]uint64, 0, len(texts)-1)
		} else {
			more = append(more, uint64(n-last))
		}
		last = n
	}
	return first, more, len(texts) > 0
}

// column is a column of parts that was read.
type column struct {
	texts   [][]byte
	numbers []uint64 // of each text in texts; nil: the first is all
}

func (c *column) at(i int) []byte {
	if c.numbers == nil {
		return c.texts[0]
	}
	return c.texts[c.numbers[i]]
}

// column reads a column of n parts, n at least 1.
func (d *decoder) column(n int, before []column) column {
	switch d.byte() {
	case partsSame:
		return column{texts: [][]byte{d.bytes()}}
	case partsFew:
		few := d.uvarint()
		if few > uint64(n) || few == 0 {
			break
		}
		c := column{texts: d.list(int(few)), numbers: d.numbers(n)}
		for _, k := range c.numbers {
			d.bad = d.bad || k >= few
		}
		return c
	case partsRuns:
		runs := d.uvarint()
		if runs > uint64(n) || runs == 0 {
			break
		}
		lengths := d.numbers(int(runs))
		c := column{texts: d.list(int(runs)), numbers: make([]uint64, 0, n)}
		for i, more := range lengths {
			if more >= uint64(n-len(c.numbers)) {
				d.bad = true
				return c
			}
			for range more + 1 {
				c.numbers = append(c.numbers, uint64(i))
			}
		}
		d.bad = d.bad || len(c.numbers) != n
		return c
	case partsAgain:
		if k := d.uvarint(); k < uint64(len(before)) {
			return before[k]
		}
	}
	d.bad, d.data = true, nil
	return column{}
}

// list reads a list of n texts, n at least 1.
func (d *decoder) list(n int) [][]byte {
	switch d.byte() {
	case listTexts:
		return d.textList(n)
	case listAddresses:
		return d.addressList(n)
	}
	d.bad, d.data = true, nil
	return nil
}

func (d *decoder) addressList(n int) [][]byte {
	first, more := d.uvarint(), d.numbers(n-1)
	if d.bad = d.bad || first > math.MaxUint32; d.bad {
		return nil
	}
	const atMost = len("255.255.255.255") + 2
	texts := make([][]byte, n)
	number := uint32(first)
	var room []byte
	for i := range texts {
		if i > 0 {
			if more[i-1] > math.MaxUint32 {
				d.bad = true
				return nil
			}
			number += uint32(more[i-1])
		}
		if cap(room)-len(room) < atMost {
			room = make([]byte, 0, atMost*min(n-i, 64))
		}
		start := len(room)
		room = collate.AppendAddress(room, number)
		texts[i] = room[start:len(room):len(room)]
	}
	return texts
}

func (d *decoder) textList(n int) [][]byte {
	same, rest := d.numbers(n), d.numbers(n)
	if d.bad {
		return nil
	}
	texts := make([][]byte, n)
	var last, room []byte
	for i := range texts {
		if same[i] > uint64(len(last)) || rest[i] > uint64(len(d.data)) {
			d.bad, d.data = true, nil
			return nil
		}
		if same[i] == 0 {
			last = d.data[:rest[i]:rest[i]]
		} else {
			size := int(same[i] + rest[i])
			if cap(room)-len(room) < size {
				room = make([]byte, 0, max(size, 512))
			}
			start := len(room)
			room = append(append(room, last[:same[i]]...), d.data[:rest[i]]...)
			last = room[start:len(room):len(room)]
		}
		texts[i], d.data = last, d.data[rest[i]:]
	}
	return texts
}

// texts reads a column of n texts, n at least 1. Together they may be up to maxTexts long.
func (d *decoder) texts(n int) [][]byte {
	shapes := d.uvarint()
	if shapes == 0 || shapes > maxShapes {
		d.bad, d.data = true, nil
		return nil
	}
	parts, counts := make([]uint64, shapes), make([]int, shapes)
	for s := range parts {
		if parts[s] = d.uvarint(); parts[s] == 0 || parts[s] > maxParts+1 {
			d.bad = true
		}
	}
	var shapeOf []uint64
	if counts[0] = n; shapes > 1 {
		shapeOf, counts[0] = d.numbers(n), 0
		for _, s := range shapeOf {
			if s >= shapes {
				d.bad = true
				break
			}
			counts[s]++
		}
	}
	columns := make([][]column, shapes)
	for s := range columns {
		if d.bad = d.bad || counts[s] == 0; d.bad {
			return nil
		}
		for range parts[s] {
			columns[s] = append(columns[s], d.column(counts[s], columns[s]))
		}
	}
	if d.bad {
		return nil
	}
	return join(n, columns, shapeOf)
}

// join puts texts together.
func join(n int, columns [][]column, shapeOf []uint64) [][]byte {
	texts := make([][]byte, n)
	ranks := make([]int, len(columns))
	var room []byte
	for i := range texts {
		s := 0
		if shapeOf != nil {
			s = int(shapeOf[i])
		}
		rank := ranks[s]
		ranks[s]++
		if len(columns[s]) == 1 {
			texts[i] = columns[s][0].at(rank)
			continue
		}
		size := 0
		for k := range columns[s] {
			size += len(columns[s][k].at(rank))
		}
		if cap(room)-len(room) < size {
			room = make([]byte, 0, max(size*min(n-i, 256), 512))
		}
		start := len(room)
		for k := range columns[s] {
			room = append(room, columns[s][k].at(rank)...)
		}
		texts[i] = room[start:len(room):len(room)]
	}
	return texts
}
