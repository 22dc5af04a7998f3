package btree

import (
	"encoding/binary"
	"slices"

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
//	list: how much each text shares with the one before (numbers), how much follows (numbers), what follows
const (
	partsSame  byte = 0
	partsFew   byte = 1
	partsRuns  byte = 2
	partsAgain byte = 3

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

// textWriter is scratch space for columns of texts.
type textWriter struct {
	cuts    []int
	ends    []int // of each text, in cuts
	shapes  []int // numbers of parts
	shapeOf []uint64
	parts   [][]byte
	few     map[string]uint64
	numbers []uint64
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
	starts := make([]int, 0, maxParts+1) // of columns, in dst
	for p := range parts {
		w.parts = w.parts[:0]
		for i, t := range texts {
			if w.shapeOf[i] != uint64(shape) {
				continue
			}
			from, to := 0, len(t)
			first := w.ends[i] - parts + 1
			if p > 0 {
				from = w.cuts[first+p-1]
			}
			if p < parts-1 {
				to = w.cuts[first+p]
			}
			w.parts = append(w.parts, t[from:to])
		}
		start := len(dst)
		dst = w.column(dst)
		if dst[start] != partsSame {
			for before, at := range starts {
				if at >= 0 && len(dst)-start > 3 && at+len(dst)-start <= start && slices.Equal(dst[at:at+len(dst)-start], dst[start:]) {
					dst = binary.AppendUvarint(append(dst[:start], partsAgain), uint64(before))
					start = -1
					break
				}
			}
		}
		starts = append(starts, start)
	}
	return dst
}

// column appends a column of parts.
func (w *textWriter) column(dst []byte) []byte {
	list := w.parts
	runs := 1
	for i := 1; i < len(list); i++ {
		if string(list[i]) != string(list[i-1]) {
			runs++
		}
	}
	if runs == 1 {
		return appendBytes(append(dst, partsSame), list[0])
	}
	start := len(dst)
	dst = w.runs(dst, runs)
	if runs < 3 {
		return dst
	}
	between := len(dst)
	var ok bool
	if dst, ok = w.fewParts(dst); ok && len(dst)-between < between-start {
		return append(dst[:start], dst[between:]...)
	}
	return dst[:between]
}

func (w *textWriter) runs(dst []byte, runs int) []byte {
	dst = binary.AppendUvarint(append(dst, partsRuns), uint64(runs))
	w.numbers = w.numbers[:0]
	heads := make([][]byte, 0, runs)
	for i, p := range w.parts {
		if i > 0 && string(p) == string(w.parts[i-1]) {
			w.numbers[len(w.numbers)-1]++
			continue
		}
		w.numbers = append(w.numbers, 0)
		heads = append(heads, p)
	}
	return w.list(appendNumbers(dst, w.numbers), heads)
}

// fewParts is false where most are different.
func (w *textWriter) fewParts(dst []byte) ([]byte, bool) {
	if w.few == nil {
		w.few = map[string]uint64{}
	}
	clear(w.few)
	for _, p := range w.parts {
		if _, there := w.few[string(p)]; !there {
			if w.few[string(p)] = 0; 2*len(w.few) > len(w.parts)+4 {
				return dst, false
			}
		}
	}
	sorted := make([][]byte, 0, len(w.few))
	for _, p := range w.parts {
		if w.few[string(p)] == 0 {
			w.few[string(p)] = 1
			sorted = append(sorted, p)
		}
	}
	slices.SortFunc(sorted, slices.Compare)
	for i, p := range sorted {
		w.few[string(p)] = uint64(i)
	}
	dst = binary.AppendUvarint(append(dst, partsFew), uint64(len(sorted)))
	dst = w.list(dst, sorted)
	w.numbers = w.numbers[:0]
	for _, p := range w.parts {
		w.numbers = append(w.numbers, w.few[string(p)])
	}
	return appendNumbers(dst, w.numbers), true
}

func (w *textWriter) list(dst []byte, texts [][]byte) []byte {
	same, rest := make([]uint64, len(texts)), make([]uint64, len(texts))
	var last []byte
	for i, t := range texts {
		n := shared(last, t)
		same[i], rest[i], last = uint64(n), uint64(len(t)-n), t
	}
	dst = appendNumbers(dst, same)
	dst = appendNumbers(dst, rest)
	for i, t := range texts {
		dst = append(dst, t[same[i]:]...)
	}
	return dst
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

func (d *decoder) list(n int) [][]byte {
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
