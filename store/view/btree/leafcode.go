package btree

import (
	"encoding/binary"
	"slices"
	"sync"
)

// What a leaf has: its flags. FORMAT.md draws it.
const (
	hasNames = 1 << iota
	hasIDs
	hasTimes
	hasHashes
	hasAgain
	hasRepeats
	hasJSON
	inSeconds // times are whole seconds apart, and so written
)

// second is in milliseconds.
const second = 1000

// Kinds of values.
const (
	valuesNumbers byte = 0 // the least; for each how much it is more (numbers)
	valuesTimes   byte = 1 // of each row the time in its doc's id
	valuesTexts   byte = 2 // texts
	valuesDocs    byte = 3 // texts that are cut as sort keys behind two bytes
)

func (l *leaf) flags() byte {
	f := byte(0)
	for i, has := range [...]bool{l.names != nil, l.ids != nil, l.times != nil, l.hashes != nil, l.again != nil, l.repeats != nil, l.jsons != nil} {
		if has {
			f |= 1 << i
		}
	}
	if l.times != nil && l.wholeSeconds() {
		f |= inSeconds
	}
	return f
}

// wholeSeconds tells whether all times are whole seconds apart, as in most logs.
func (l *leaf) wholeSeconds() bool {
	first, any := int64(0), false
	for i, t := range l.times {
		switch {
		case !l.named(i):
		case !any:
			first, any = t, true
		case (t-first)%second != 0:
			return false
		}
	}
	return true
}

// append appends the leaf's columns.
func (l *leaf) append(dst []byte, w *textWriter) []byte {
	flags := l.flags()
	dst = append(dst, flags)
	dst = binary.AppendUvarint(dst, uint64(len(l.sorts)))
	lengths := make([]uint64, len(l.ends))
	for i, end := range l.ends {
		lengths[i] = uint64(end - l.runStart(i) - 1)
	}
	dst = appendNumbers(dst, lengths)
	dst = w.append(dst, l.sorts, cutKeys(0))
	if l.names != nil {
		dst = appendNumbers(dst, widen(l.names))
	}
	if l.ids != nil {
		texts := make([][]byte, l.n)
		for i, id := range l.ids {
			texts[i] = []byte(id)
		}
		dst = w.append(dst, texts, whole)
	}
	if l.times != nil {
		dst = l.appendTimes(dst, unit(flags))
	}
	dst = append(dst, l.hashes...)
	for _, list := range [...][]uint64{l.again, l.repeats} {
		if list != nil {
			dst = appendNumbers(dst, list)
		}
	}
	if l.jsons != nil {
		dst = w.append(dst, l.jsons, whole)
	}
	return l.appendValues(dst, w)
}

func widen(list []uint8) []uint64 {
	out := make([]uint64, len(list))
	for i, v := range list {
		out[i] = uint64(v)
	}
	return out
}

// named tells whether a row names its doc by its time.
func (l *leaf) named(i int) bool { return l.names == nil || l.names[i] > 0 }

// unit is that of the differences of times, in milliseconds.
func unit(flags byte) int64 {
	if flags&inSeconds != 0 {
		return second
	}
	return 1
}

// appendTimes appends the least time, how much greater the first of each run is, and how much greater than the one before it each
// other is.
func (l *leaf) appendTimes(dst []byte, unit int64) []byte {
	least, any := int64(0), false
	for i, t := range l.times {
		if l.named(i) && (!any || t < least) {
			least, any = t, true
		}
	}
	var firsts, steps []uint64
	i := 0
	for _, end := range l.ends {
		last, first := least, true
		for ; i < end; i++ {
			switch {
			case !l.named(i):
				continue
			case first:
				firsts, first = append(firsts, uint64((l.times[i]-least)/unit)), false
			default:
				steps = append(steps, uint64((l.times[i]-last)/unit))
			}
			last = l.times[i]
		}
	}
	dst = binary.AppendVarint(dst, least)
	return appendNumbers(appendNumbers(dst, firsts), steps)
}

func (d *decoder) times(l *leaf, unit int64) {
	least := d.varint()
	firsts, steps := 0, 0
	i := 0
	for _, end := range l.ends {
		before := firsts + steps
		for ; i < end; i++ {
			if l.named(i) {
				steps++
			}
		}
		if firsts+steps > before {
			firsts, steps = firsts+1, steps-1
		}
	}
	first, step := d.numbers(firsts), d.numbers(steps)
	if d.bad {
		return
	}
	l.times = make([]int64, l.n)
	i = 0
	for _, end := range l.ends {
		last, begun := least, false
		for ; i < end; i++ {
			switch {
			case !l.named(i):
				continue
			case !begun:
				last, first, begun = least+unit*int64(first[0]), first[1:], true
			default:
				last, step = last+unit*int64(step[0]), step[1:]
			}
			l.times[i] = last
		}
	}
}

func (l *leaf) appendValues(dst []byte, w *textWriter) []byte {
	switch {
	case l.docs:
		return w.append(append(dst, valuesDocs), l.values(), cutKeys(2))
	case l.numbers == nil:
		return w.append(append(dst, valuesTexts), l.values(), whole)
	case l.times != nil && l.ids == nil && slices.Equal(l.times, l.numbers):
		return append(dst, valuesTimes)
	}
	least := slices.Min(l.numbers)
	more := make([]uint64, l.n)
	for i, v := range l.numbers {
		more[i] = uint64(v - least)
	}
	return appendNumbers(binary.AppendVarint(append(dst, valuesNumbers), least), more)
}

func (d *decoder) values(l *leaf) {
	switch kind := d.byte(); kind {
	case valuesNumbers:
		least := d.varint()
		more := d.numbers(l.n)
		l.numbers = make([]int64, len(more))
		for i, v := range more {
			l.numbers[i] = least + int64(v)
		}
	case valuesTimes:
		if d.bad = d.bad || l.times == nil; !d.bad {
			l.numbers = l.times
		}
	case valuesTexts:
		texts := d.texts(l.n)
		l.values = func() [][]byte { return texts }
	case valuesDocs:
		rest, n := decoder{data: d.data}, l.n
		d.data = nil
		l.values = sync.OnceValue(func() [][]byte { // few look at them
			texts := rest.texts(n)
			if rest.bad || len(rest.data) > 0 {
				return make([][]byte, n)
			}
			return texts
		})
	default:
		d.bad = true
	}
}

// leaf reads what append has written.
func (d *decoder) leaf(n int) *leaf {
	l := &leaf{n: n}
	flags := d.byte()
	runs := d.uvarint()
	if runs == 0 || runs > uint64(n) {
		d.bad = true
		return nil
	}
	end := uint64(0)
	for _, more := range d.numbers(int(runs)) {
		if end += more + 1; more >= uint64(n) || end > uint64(n) {
			d.bad = true
			return nil
		}
		l.ends = append(l.ends, int(end))
	}
	if d.bad || end != uint64(n) {
		d.bad = true
		return nil
	}
	l.sorts = d.texts(int(runs))
	if d.names(l, flags); d.bad {
		return nil
	}
	if flags&hasRepeats != 0 {
		l.repeats = d.numbers(n)
	}
	if flags&hasJSON != 0 {
		l.jsons = d.texts(n)
	}
	d.values(l)
	return l
}

// names reads what the rows call their docs.
func (d *decoder) names(l *leaf, flags byte) {
	if flags&hasNames != 0 {
		l.names = make([]uint8, l.n)
		for i, v := range d.numbers(l.n) {
			if l.names[i] = uint8(v); v > 255 || v == 0 && flags&hasIDs == 0 || v > 0 && flags&hasTimes == 0 {
				d.bad = true
			}
		}
	}
	if flags&hasIDs != 0 {
		l.ids = make([]string, l.n)
		for i, id := range d.texts(l.n) {
			l.ids[i] = string(id)
		}
	}
	if flags&hasTimes != 0 && !d.bad {
		d.times(l, unit(flags))
	} else if flags&hasNames == 0 {
		d.bad = true
	}
	if flags&hasHashes != 0 {
		l.hashes = d.take(hashBytes * l.n)
	}
	if flags&hasAgain != 0 {
		l.again = d.numbers(l.n)
	}
}
