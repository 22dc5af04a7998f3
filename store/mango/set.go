package mango

import (
	"strconv"

	"logctl/store/view/collate"
)

// set is the list of $in and $nin, in which a value is found in about the same time however long it is.
type set struct {
	ranks   [rankNumber]bool     // null, false and true
	numbers map[float64]struct{} // a number
	texts   map[string]struct{}  // a string as it is written
	keys    map[string]struct{}  // the sort key of a string, an array or an object
	plain   bool                 // all strings are, see isPlain
}

func newSet(list []byte) (set, error) {
	s := set{numbers: map[float64]struct{}{}, texts: map[string]struct{}{}, keys: map[string]struct{}{}, plain: true}
	var err error
	eachElement(list, func(elem []byte) bool {
		var c constant
		if c, err = newConstant(elem); err != nil {
			return false
		}
		switch c.rank {
		case rankNumber:
			s.numbers[c.num] = struct{}{}
		case rankString:
			s.texts[string(elem)] = struct{}{}
			s.plain = s.plain && isPlain(elem)
			fallthrough
		case rankArray, rankObject:
			s.keys[string(c.key)] = struct{}{}
		default:
			s.ranks[c.rank] = true
		}
		return true
	})
	return s, err
}

// has tells whether v is equal, as m.equal has it, to one of the set.
func (s *set) has(m *matching, v []byte, bytewise bool) bool {
	var in bool
	switch rank := rankOf(v); rank {
	case rankNull, rankFalse, rankTrue:
		return s.ranks[rank]
	case rankNumber:
		f, _ := strconv.ParseFloat(string(v), 64)
		_, in = s.numbers[f]
		return in
	case rankString:
		if _, in = s.texts[string(v)]; in || bytewise || s.plain && isPlain(v) {
			return in
		}
	}
	key, _, err := collate.ICU.Append(m.buf[:0], v)
	m.buf = key
	_, in = s.keys[string(key)]
	return in && err == nil
}
