package reports

import (
	"math/bits"
	"slices"
)

// names gives a number to each JSON text, as few names come back in many rows. The zero names is ready.
type names struct {
	raw, texts []string // by number: the JSON and what that says
	numbers    map[string]int
	last       int
}

func (n *names) number(raw []byte) int {
	if n.last < len(n.raw) && n.raw[n.last] == string(raw) {
		return n.last
	}
	// Few they mostly are indeed: to compare them costs less than the map.
	for number := range min(len(n.raw), 8) {
		if n.raw[number] == string(raw) {
			n.last = number
			return number
		}
	}
	number, ok := n.numbers[string(raw)]
	if !ok {
		if n.numbers == nil {
			n.numbers = map[string]int{}
		}
		number = len(n.raw)
		kept := string(raw)
		n.raw, n.texts = append(n.raw, kept), append(n.texts, text(kept))
		n.numbers[kept] = number
	}
	n.last = number
	return number
}

// set is some of the numbers that names has given.
type set struct {
	few  uint64 // a bit for each of the first 64
	more []int  // of the others, sorted
}

func (s *set) add(n int) {
	if n < 64 {
		s.few |= 1 << n
		return
	}
	if i, there := slices.BinarySearch(s.more, n); !there {
		s.more = slices.Insert(s.more, i, n)
	}
}

// names are what the numbers stand for, sorted.
func (s *set) names(of *names) (list []string) {
	for few := s.few; few != 0; few &= few - 1 {
		list = insert(list, of.texts[bits.TrailingZeros64(few)])
	}
	for _, n := range s.more {
		list = insert(list, of.texts[n])
	}
	return list
}

// insert adds s to sorted names, unless it is empty or there already.
func insert(names []string, s string) []string {
	if s == "" {
		return names
	}
	i, there := slices.BinarySearch(names, s)
	if there {
		return names
	}
	return slices.Insert(names, i, s)
}
