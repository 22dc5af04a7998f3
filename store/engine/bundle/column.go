package bundle

import (
	"encoding/binary"
	"hash/maphash"
)

// The kinds of columns. Values are texts.
const (
	columnSame   byte = 0 // one value, each doc's
	columnFew    byte = 1 // few values, and for each doc the number of its own in a byte
	columnDigits byte = 2 // values that differ in their digits only: the differences between the numbers that these make
	columnAny    byte = 3 // the lengths of the values, the values
)

const (
	fewValues = 256 // of a column of few
	maxDigits = 18  // of a value in a column of digits: their number is an int64
)

// columnWriter is scratch space for columns.
type columnWriter struct {
	seed    maphash.Seed
	seeded  bool
	table   [4 * fewValues]uint16 // numbers of values + 1 by hash
	few     []int                 // indexes of the first doc with each value
	numbers []byte                // of each doc's value in few
}

// append appends a column of values, of which there is at least one.
func (w *columnWriter) append(dst []byte, values [][]byte) []byte {
	few := w.gather(values)
	switch {
	case few && len(w.few) == 1:
		dst = append(dst, columnSame)
		return appendText(dst, values[0])
	case few && 2*len(w.few) <= len(values):
		dst = append(dst, columnFew)
		dst = binary.AppendUvarint(dst, uint64(len(w.few)))
		for _, i := range w.few {
			dst = appendText(dst, values[i])
		}
		return append(dst, w.numbers...)
	}
	if more, ok := appendDigitColumn(dst, values); ok {
		return more
	}
	dst = append(dst, columnAny)
	for _, v := range values {
		dst = binary.AppendUvarint(dst, uint64(len(v)))
	}
	for _, v := range values {
		dst = append(dst, v...)
	}
	return dst
}

func appendText(dst, text []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// gather finds the different values; false if there are too many.
func (w *columnWriter) gather(values [][]byte) bool {
	if !w.seeded {
		w.seed, w.seeded = maphash.MakeSeed(), true
	}
	clear(w.table[:])
	w.few, w.numbers = w.few[:0], w.numbers[:0]
	last := -1
	for i, v := range values {
		if last < 0 || string(values[w.few[last]]) != string(v) {
			if last = w.find(values, i); last < 0 {
				return false
			}
		}
		w.numbers = append(w.numbers, byte(last))
	}
	return true
}

// find is the number of the i-th value, -1 if it would be one too many.
func (w *columnWriter) find(values [][]byte, i int) int {
	v := values[i]
	for h := maphash.Bytes(w.seed, v); ; h++ {
		slot := &w.table[h%uint64(len(w.table))]
		if *slot == 0 {
			if len(w.few) == fewValues {
				return -1
			}
			w.few = append(w.few, i)
			*slot = uint16(len(w.few))
			return len(w.few) - 1
		}
		if n := int(*slot) - 1; string(values[w.few[n]]) == string(v) {
			return n
		}
	}
}

// appendDigitColumn appends values that are the same but for their digits.
func appendDigitColumn(dst []byte, values [][]byte) ([]byte, bool) {
	first := values[0]
	digits := 0
	for _, c := range first {
		if isDigit(c) {
			digits++
		}
	}
	if digits == 0 || digits > maxDigits {
		return dst, false
	}
	start := len(dst)
	dst = appendText(append(dst, columnDigits), first)
	for i := len(dst) - len(first); i < len(dst); i++ {
		if isDigit(dst[i]) {
			dst[i] = '0'
		}
	}
	last := int64(0)
	for _, v := range values {
		if len(v) != len(first) {
			return dst[:start], false
		}
		n := int64(0)
		for i, c := range v {
			if isDigit(c) != isDigit(first[i]) || !isDigit(c) && c != first[i] {
				return dst[:start], false
			}
			if isDigit(c) {
				n = 10*n + int64(c-'0')
			}
		}
		dst = binary.AppendVarint(dst, n-last)
		last = n
	}
	return dst, true
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// column is a column that was read.
type column struct {
	kind    byte
	texts   [][]byte // same: the value; few: the values; digits: the text whose digits are to be filled in; any: all values
	numbers []byte   // few: of each doc's value
	digits  []int64  // digits: the number of each value
}

// column reads a column of n values.
func (d *decoder) column(n int) column {
	c := column{kind: d.byte()}
	switch c.kind {
	case columnSame:
		c.texts = [][]byte{d.text()}
	case columnFew:
		few := d.uvarint()
		if few > fewValues {
			d.fail("texts of a column")
			return c
		}
		c.texts = make([][]byte, few)
		for i := range c.texts {
			c.texts[i] = d.text()
		}
		c.numbers = d.bytes(uint64(n))
		for _, k := range c.numbers {
			if int(k) >= len(c.texts) {
				d.fail("text of a value")
				return c
			}
		}
	case columnDigits:
		c.texts = [][]byte{d.text()}
		c.digits = make([]int64, n)
		last := int64(0)
		for i := range c.digits {
			last += d.varint()
			if last < 0 {
				d.fail("number below zero")
				return c
			}
			c.digits[i] = last
		}
	case columnAny:
		c.texts = make([][]byte, n)
		lengths := make([]uint64, n)
		for i := range lengths {
			lengths[i] = d.uvarint()
		}
		for i := range c.texts {
			c.texts[i] = d.bytes(lengths[i])
		}
	default:
		d.fail("kind of a column")
	}
	return c
}

// append appends the i-th value.
func (c *column) append(dst []byte, i int) []byte {
	switch c.kind {
	case columnSame:
		return append(dst, c.texts[0]...)
	case columnFew:
		return append(dst, c.texts[c.numbers[i]]...)
	case columnAny:
		return append(dst, c.texts[i]...)
	}
	start := len(dst)
	dst = append(dst, c.texts[0]...)
	n := c.digits[i]
	for k := len(dst) - 1; k >= start && n > 0; k-- {
		if isDigit(dst[k]) {
			dst[k] = byte('0' + n%10)
			n /= 10
		}
	}
	return dst
}
