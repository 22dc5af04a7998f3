package learn

import (
	"bytes"
	"strings"
)

// triedLines is how many lines of a form, or of a shape, are tried with the schemas of others.
const triedLines = 4

// longestLiteral is the longest run of a form's key that is neither a slot nor a blank nor may be absent: no line
// without it can match the form's schema.
func longestLiteral(f *form) []byte {
	best := ""
	for i, word := range strings.Split(f.key, " ") {
		if f.part(i) > 0 {
			continue
		}
		for _, part := range strings.FieldsFunc(word, isSlot) {
			if len(part) > len(best) {
				best = part
			}
		}
	}
	return []byte(best)
}

// fitsLine tells whether a form's schema matches a line of any group.
func (p *proposer) fitsLine(f *form, line int) bool {
	return bytes.Contains(p.lines[line], f.literal) && f.schema.Match(&p.match, p.lines[line])
}

// isBefore tells which of two forms that match each other's lines is the first: the one that takes the rest of the
// line, since nothing of it is lost then, or that with the longer key.
func (f *form) isBefore(g *form) bool {
	if a, b := strings.HasSuffix(f.text, "..."), strings.HasSuffix(g.text, "..."); a != b {
		return a
	}
	return len(f.key) > len(g.key)
}

// order puts schemas that match lines of another form behind that form's, as "disconnected" has to come behind
// "disconnected by user", and otherwise those with the most lines first.
func (p *proposer) order(forms []*form) []*form {
	before := make([][]int, len(forms)) // the forms that have to come before each
	for i, f := range forms {
		for j, g := range forms {
			if i != j && p.overlaps(g, f) && !(p.overlaps(f, g) && !f.isBefore(g)) {
				before[j] = append(before[j], i)
			}
		}
	}
	var out []*form
	state := make([]uint8, len(forms)) // 1: being put out, 2: put out
	var put func(i int)
	put = func(i int) {
		if state[i] > 0 {
			return
		}
		state[i] = 1
		for _, j := range before[i] {
			put(j)
		}
		state[i] = 2
		out = append(out, forms[i])
	}
	for i := range forms {
		put(i)
	}
	return out
}

// overlaps tells whether a schema matches lines of another form.
func (p *proposer) overlaps(f, other *form) bool {
	for _, i := range other.lines[:min(len(other.lines), triedLines)] {
		if p.fitsLine(f, i) {
			return true
		}
	}
	return false
}

// maxTrials is how many times schemas are tried on lines to find out which is the first to match.
const maxTrials = 1 << 20

// measure finds out which schema is the first to match each line, and gives the lines that none matches. Where that
// takes more than maxTrials, a few lines of a shape that have the same owner speak for the others.
func (p *proposer) measure(forms []*form) (left []int) {
	type kind struct {
		shape int32
		own   *form
	}
	tried := map[kind]int{}
	differs := map[kind]bool{}
	firsts := make([]*form, len(p.lines))
	few := triedLines
	if len(forms)*len(p.lines) <= maxTrials {
		few = len(p.lines)
	}
	for i, shape := range p.table.of {
		k := kind{shape, p.own[i]}
		firsts[i] = k.own
		if tried[k]++; tried[k] <= few || k.own == nil {
			firsts[i] = p.first(forms, i)
			differs[k] = differs[k] || firsts[i] != k.own
		}
	}
	for i, f := range firsts {
		if k := (kind{p.table.of[i], p.own[i]}); f == k.own && differs[k] && few < len(p.lines) {
			f = p.first(forms, i)
		}
		if f == nil {
			left = append(left, i)
		} else {
			f.first++
		}
	}
	return left
}

func (p *proposer) first(forms []*form, line int) *form {
	for _, f := range forms {
		if p.fitsLine(f, line) {
			return f
		}
	}
	return nil
}
