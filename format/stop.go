package format

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// stop is where a line and a schema part.
type stop struct {
	reach int   // how far from its beginning the try came; -1: there was none
	node  int32 // the part of the schema that stopped it; -1: the time is none
	at    int   // where in the line
}

// Stop is where a line and a schema part: the farthest place that the schema reached from where it began to fit.
type Stop struct {
	Reach    int    // how many bytes of the line fit before that place
	Pos      int    // that place in the line; len(line) is its end
	Part     string // the part of the schema that does not fit there, as it is written
	Expected string // what it takes: `"port "`, `an IP address`, `a blank`
	Found    string // what stands there, at most a word; "" at the line's end
	Nowhere  bool   // the schema begins with Expected, which the line does not have at all
	GaveUp   bool   // there were too many ways to go on; see docs/schema.md
}

// String says it in a sentence, without control characters.
func (s Stop) String() string {
	switch {
	case s.GaveUp:
		return "there are too many ways in which it could fit"
	case s.Nowhere:
		return "nowhere is " + s.Expected
	case s.Found == "":
		return "at the end of the line, where " + s.Expected + " is expected"
	}
	return fmt.Sprintf("at byte %d: %s is expected, not %s", s.Pos+1, s.Expected, s.Found)
}

// Taken is what one part of a schema took of a line.
type Taken struct {
	Part       string // as it is written in the schema
	Name, Type string // of a capture; a skip has neither
	Start, End int    // in the line, or both -1 if the part is absent
}

// Stop tells where m, a Match of the schema that failed, came to its end.
func (s *Schema) Stop(m *Match) Stop {
	if m.effort <= 0 {
		return Stop{GaveUp: true}
	}
	line := m.line
	if m.stop.reach < 0 {
		return Stop{Part: s.part(s.first()), Expected: s.expected(s.first()), Found: quoteStart(line), Nowhere: len(line) > 0 && s.prog.first() != nil}
	}
	out := Stop{Reach: m.stop.reach, Pos: m.stop.at, Found: quoteStart(line[m.stop.at:])}
	if m.stop.node < 0 {
		out.Part, out.Expected = strings.Join(s.stamp.fields, ","), s.stamp.expected()
		return out
	}
	node := m.stop.node
	if out.Found == "" {
		node = s.behindBlank(node)
	}
	out.Part, out.Expected = s.part(node), s.expected(node)
	return out
}

// first is the node that the schema begins with.
func (s *Schema) first() int32 {
	if s.prog.columns != nil {
		return s.prog.columns[0].node
	}
	return s.prog.start
}

// behindBlank is what has to stand behind a blank, where n is one: at the end of a line it is that which is missed.
func (s *Schema) behindBlank(n int32) int32 {
	for s.prog.nodes[n].op == opBlank || s.prog.nodes[n].op == opGroup {
		if s.prog.nodes[n].next == 0 {
			break
		}
		n = s.prog.nodes[n].next
	}
	return n
}

func (s *Schema) part(n int32) string {
	nd := &s.prog.nodes[n]
	return s.prog.text[nd.from:nd.to]
}

func (s *Schema) expected(n int32) string {
	nd := &s.prog.nodes[n]
	switch nd.op {
	case opLiteral:
		return quoteVisible(nd.literal)
	case opBlank:
		return "a blank"
	case opEnd:
		if s.prog.whole {
			return "the end of the line"
		}
		return "a blank"
	}
	return kinds[nd.kind].what
}

// Trace matches a line and tells what each part of the schema took, in the order of the schema: all parts if it fits, and
// otherwise those before the place that Stop tells of. It is for a person to look at, and slow.
func (s *Schema) Trace(m *Match, line []byte) (taken []Taken, ok bool) {
	if len(line) > math.MaxUint32 {
		return nil, false
	}
	m.traced = true
	ok = s.Match(m, line)
	m.traced = false
	if !ok && m.stop.reach < 0 {
		return nil, false // it begins nowhere
	}
	path := m.path
	until := int32(math.MaxInt32)
	if !ok && m.stop.node >= 0 {
		path, until = m.farthest, s.prog.nodes[m.stop.node].from
	}
	for _, n := range s.inOrder() {
		nd := &s.prog.nodes[n]
		t := Taken{Part: s.part(n), Start: -1, End: -1}
		if nd.slot >= 0 {
			t.Name, t.Type = s.prog.names[nd.slot], kinds[nd.kind].name
		}
		at := slices.IndexFunc(path, func(p step) bool { return p.node == n })
		switch {
		case at >= 0:
			t.Start, t.End = int(path[at].took.start), int(path[at].took.end)
		case nd.from >= until:
			continue
		}
		taken = append(taken, t)
	}
	return taken, ok
}

// inOrder are the nodes that stand for something in the schema's text, in its order.
func (s *Schema) inOrder() []int32 {
	var all []int32
	for i := range s.prog.nodes {
		if nd := &s.prog.nodes[i]; nd.op != opGroup && nd.op != opEnd && nd.to > nd.from {
			all = append(all, int32(i))
		}
	}
	slices.SortStableFunc(all, func(a, b int32) int { return cmp.Compare(s.prog.nodes[a].from, s.prog.nodes[b].from) })
	return all
}

// quoteStart is the word that b begins with, in quotes, cut off if it is long, or "" for nothing.
func quoteStart(b []byte) string {
	const most = 40
	if len(b) == 0 {
		return ""
	}
	end := 1
	for end < len(b) && end < most && b[end] > ' ' {
		end++
	}
	for end < len(b) && end > 1 && !utf8.RuneStart(b[end]) {
		end--
	}
	return quoteVisible(b[:end])
}

// quoteVisible puts text in quotes, its control characters visible.
func quoteVisible(b []byte) string { return `"` + string(AppendVisible(nil, b)) + `"` }
