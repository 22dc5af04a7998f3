package learn

import (
	"cmp"
	"slices"
	"strings"
)

// Result is what was learned from a Sample.
type Result struct {
	Groups  []Group  // the most lines first
	Schemas []Schema // in the order in which they are to be tried
	Of      []int    // the group of each line of the sample
	Matched int      // lines that a schema of their group matches
	General int      // lines that only a general schema matches
	Left    []int    // lines that no schema matches

	TimeFields []string // the captures that are the time, as for --time; nil if there is none
	TimeLayout string   // as for --time-layout; "" if it is well known
}

// Group is one kind of message.
type Group struct {
	Template string // of the message, with <*> for values
	Label    string // a name of the template's first words, the only one of that name
	Lines    int
	Example  int // its first line
}

// Schema is a schema and what it matches.
type Schema struct {
	Text  string
	Group int   // of Result.Groups; -1: it is general, for lines that have no schema of their own
	Also  []int // groups that differ from that one in the name of a user, which it takes
	Lines int   // of the sample that it is the first to match
}

// headerSample is how many lines the header is looked for in, evenly spread.
const headerSample = 1000

// Learn finds groups and schemas.
func Learn(s *Sample) *Result {
	t := &table{index: map[string]int{}, header: findHeader(spread(s.lines, headerSample))}
	for _, line := range s.lines {
		t.add(line)
	}
	t.merge()
	t.rank()
	r := &Result{Of: make([]int, len(s.lines))}
	for i := range s.lines {
		r.Of[i] = t.shapes[t.of[i]].group
	}
	for _, g := range t.groups {
		first := t.shapes[g.shapes[0]]
		r.Groups = append(r.Groups, Group{Template: g.template(), Lines: g.lines, Example: first.example})
	}
	labels(r.Groups)
	propose(s.lines, t, r)
	return r
}

// spread gives at most n of the lines, the same distance apart.
func spread(lines [][]byte, n int) [][]byte {
	if len(lines) <= n {
		return lines
	}
	out := make([][]byte, n)
	for i := range out {
		out[i] = lines[i*len(lines)/n]
	}
	return out
}

// rank sorts the groups, the most lines first, then by their first line.
func (t *table) rank() {
	for _, g := range t.groups {
		slices.SortFunc(g.shapes, func(a, b int) int { return cmp.Compare(t.shapes[a].example, t.shapes[b].example) })
	}
	slices.SortFunc(t.groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.lines, a.lines), cmp.Compare(t.shapes[a.shapes[0]].example, t.shapes[b.shapes[0]].example))
	})
	for i, g := range t.groups {
		for _, s := range g.shapes {
			t.shapes[s].group = i
		}
	}
}

// template is what the messages of a group look like, for a person.
func (g *group) template() string {
	return strings.ReplaceAll(strings.Join(g.tokens(), " "), anyWord, "<*>")
}
