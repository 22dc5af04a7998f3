package ejson

import (
	"bytes"
	"cmp"
	"slices"
)

// member is what is known of a member of an open object. Offsets are into src, but for start and end, which say where
// in dst its text stands.
type member struct {
	key, keyEnd     int // between the quotes
	value, valueEnd int
	start, end      int
	escaped         bool // the key has escapes
	dead            bool // to be left out
}

// span is a part of dst.
type span struct{ start, end int }

// object reads the object at pos.
func (p *parser) object(depth int) error {
	base := len(p.members)
	err := p.readMembers(depth)
	p.bury(p.members[base:])
	p.members = p.members[:base]
	return err
}

// readMembers reads the object at pos and leaves its members on the stack. Where a key comes again, the earlier member
// is dead.
func (p *parser) readMembers(depth int) error {
	if p.next() != '{' {
		return invalid(p.pos, "no object")
	}
	if depth >= maxDepth {
		return invalid(p.pos, "too deep")
	}
	p.deepest = max(p.deepest, depth)
	p.pos++
	p.space()
	if p.next() == '}' {
		p.pos++
		return nil
	}
	seen := keySet{base: len(p.members)}
	for {
		if err := p.readMember(depth, &seen); err != nil {
			return err
		}
		p.space()
		switch p.next() {
		case ',':
			p.pos++
			p.space()
		case '}':
			p.pos++
			return nil
		default:
			return invalid(p.pos, "no comma in object")
		}
	}
}

func (p *parser) readMember(depth int, seen *keySet) error {
	if p.next() != '"' {
		return invalid(p.pos, "no key")
	}
	end, escaped, err := scanString(p.src, p.pos)
	if err != nil {
		return err
	}
	m := member{key: p.pos + 1, keyEnd: end - 1, start: p.out(), escaped: escaped}
	if i := seen.add(p, &m); i >= 0 {
		p.members[i].dead = true
	}
	i := len(p.members)
	p.members = append(p.members, m)
	p.names++
	p.take(end, escaped)

	p.space()
	if p.next() != ':' {
		return invalid(p.pos, "no colon")
	}
	p.pos++
	p.space()
	value := p.pos
	if err := p.value(depth + 1); err != nil {
		return err
	}
	n := &p.members[i]
	n.value, n.valueEnd, n.end = value, p.pos, p.out()
	return nil
}

// name is the member's decoded key, a part of src where it can be.
func (p *parser) name(m *member) []byte {
	key := p.src[m.key:m.keyEnd]
	if m.escaped {
		return appendUnquoted(nil, key)
	}
	return key
}

// bury marks the text of the dead ones among an object's members, with the comma behind, or the one before where no
// live member follows.
func (p *parser) bury(members []member) {
	live := len(members)
	for live > 0 && members[live-1].dead {
		live--
	}
	for i := range members {
		m := &members[i]
		switch {
		case !m.dead:
		case i < live:
			p.dead = append(p.dead, span{m.start, members[i+1].start})
		case i > 0:
			p.dead = append(p.dead, span{members[i-1].end, m.end})
		default:
			p.dead = append(p.dead, span{m.start, m.end})
		}
	}
}

// cut removes spans, nested or apart, from b in place.
func cut(b []byte, spans []span) []byte {
	if len(spans) > 1 {
		slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	}
	w, r := spans[0].start, spans[0].start
	for _, s := range spans {
		if s.start > r {
			w += copy(b[w:], b[r:s.start])
		}
		r = max(r, s.end)
	}
	w += copy(b[w:], b[r:])
	return b[:w]
}

// keySet finds repeated keys in an object: by looking at each while there are few, then through a map.
type keySet struct {
	base  int    // of the object's members on the stack
	bloom uint64 // a bit for each key seen
	index map[string]int
}

// few is how many keys are compared one by one.
const few = 16

// add adds the key of m, about to be pushed, and gives the index of the member that it repeats, or -1.
func (s *keySet) add(p *parser, m *member) int {
	earlier := p.members[s.base:]
	if len(earlier) >= few {
		return s.addWide(p, m)
	}
	h := uint(m.keyEnd - m.key)
	if m.keyEnd > m.key {
		h = h<<1 ^ uint(p.src[m.key]) ^ uint(p.src[m.keyEnd-1])<<2
	}
	if m.escaped {
		s.bloom = ^uint64(0)
	}
	bit := uint64(1) << (h & 63)
	found := -1
	if s.bloom&bit != 0 {
		name := p.name(m)
		for i := range earlier {
			if e := &earlier[i]; !e.dead && bytes.Equal(p.name(e), name) {
				found = s.base + i
			}
		}
	}
	s.bloom |= bit
	return found
}

func (s *keySet) addWide(p *parser, m *member) int {
	if s.index == nil {
		s.index = make(map[string]int, 4*few)
		for i := s.base; i < len(p.members); i++ {
			s.index[string(p.name(&p.members[i]))] = i
		}
	}
	name := p.name(m)
	i, again := s.index[string(name)]
	s.index[string(name)] = len(p.members)
	if !again {
		return -1
	}
	return i
}
