package reports

import (
	"hash/maphash"
	"math/bits"
	"slices"
)

// names gives a number to each of a few texts that come back in many rows, from 0 on. The zero names is ready.
type names struct {
	texts   []string // by number
	numbers map[string]int
	latest  [64]int // numbers of texts that were looked for, by their hashes
}

var seed = maphash.MakeSeed()

// find is the number of a text that has one.
func (n *names) find(text []byte) (number int, ok bool) {
	latest := &n.latest[maphash.Bytes(seed, text)%uint64(len(n.latest))]
	if *latest < len(n.texts) && n.texts[*latest] == string(text) {
		return *latest, true
	}
	if number, ok = n.numbers[string(text)]; ok {
		*latest = number
	}
	return number, ok
}

func (n *names) number(text []byte) int {
	number, ok := n.find(text)
	if !ok {
		if n.numbers == nil {
			n.numbers = map[string]int{}
		}
		number = len(n.texts)
		kept := string(text)
		n.texts = append(n.texts, kept)
		n.numbers[kept] = number
	}
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

// each calls fn with the numbers.
func (s *set) each(fn func(n int)) {
	for few := s.few; few != 0; few &= few - 1 {
		fn(bits.TrailingZeros64(few))
	}
	for _, n := range s.more {
		fn(n)
	}
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
