package learn

import (
	"cmp"
	"slices"

	"logctl/format"
)

const (
	maxSamples = 200 // lines of a form that its types are guessed from
	maxSchemas = 500 // of all groups; what is left gets general ones
	maxGeneral = 10
)

// generalGroup stands for the lines of all groups that have no schema of their own.
const generalGroup = -1

// form is the lines of a group that one schema describes.
type form struct {
	key      string
	optional []int              // of each of the key's words, which part that may be absent it belongs to, 0 for none; nil: none may
	variants map[string]variant // what lines without some of these words have as key; the key itself too; nil: nothing else
	group    int
	also     []int // groups that differ from that in the name of a user
	lines    []int
	samples  []int // lines to look at first; nil: the first ones
	slots    []slot
	guesses  []guess
	text     string
	schema   *format.Schema // as a command line has it
	whole    *format.Schema // as a preset has it: what it matches is the whole line
	literal  []byte         // that each line has which the schema matches
	first    int            // lines that it is the first to match
}

// proposer makes schemas of groups.
type proposer struct {
	lines  [][]byte
	table  *table
	former former
	match  format.Match
	time   timeRule
	own    []*form // of each line, the form of its group whose schema matches it
}

// propose fills in the schemas of a result.
func propose(lines [][]byte, t *table, r *Result) {
	p := &proposer{lines: lines, table: t, former: former{header: t.header}, own: make([]*form, len(lines))}
	p.time = p.findTime()
	r.TimeFields, r.TimeLayout = p.time.fields, p.time.layout
	members := make([][]int, len(r.Groups))
	for i, g := range r.Of {
		members[g] = append(members[g], i)
	}
	var forms, general []*form
	var left []int
	for g, of := range members {
		if len(forms) >= maxSchemas {
			left = append(left, of...)
			continue
		}
		more, rest := p.describe(g, of)
		forms = append(forms, more...)
		left = append(left, rest...)
	}
	slices.Sort(left)
	for _, f := range p.forms(generalGroup, left) {
		if len(general) < maxGeneral && p.schema(f) {
			general = append(general, f)
		}
	}
	all := append(p.order(p.widen(forms)), general...)
	r.Left = p.measure(all)
	for _, f := range all {
		if f.first == 0 {
			continue // others match all its lines
		}
		r.Schemas = append(r.Schemas, Schema{f.text, f.group, f.also, f.first})
		if f.group == generalGroup {
			r.General += f.first
		} else {
			r.Matched += f.first
		}
	}
}

const (
	maxHead   = 200 // lines of a group that forms are looked for in at once
	maxRounds = 8   // and how often, among the lines that no schema matches yet
)

// describe makes schemas of a group's lines, and gives the lines that none of them matches.
func (p *proposer) describe(group int, lines []int) (forms []*form, left []int) {
	for range maxRounds {
		if len(lines) == 0 {
			break
		}
		head := lines[:min(len(lines), maxHead)]
		more := p.compiled(p.forms(group, head))
		for _, f := range more {
			f.lines = f.lines[:0]
		}
		forms = append(forms, more...)
		left = left[:0]
		for _, i := range lines {
			if f := p.owner(more, i); f != nil {
				p.own[i] = f
				f.lines = append(f.lines, i)
			} else {
				left = append(left, i)
			}
		}
		if len(left) == len(lines) || len(lines) == len(head) {
			break
		}
		lines = slices.Clone(left)
	}
	return slices.DeleteFunc(forms, func(f *form) bool { return len(f.lines) == 0 }), left
}

// owner is the first of a group's forms whose schema matches a line.
func (p *proposer) owner(forms []*form, line int) *form {
	for _, f := range forms {
		if f.whole.Match(&p.match, p.lines[line]) {
			return f
		}
	}
	return nil
}

// compiled gives forms their schemas, one for several where some of the words may be absent. Those that get none are
// left out.
func (p *proposer) compiled(forms []*form) []*form {
	var done []*form
	for len(forms) > 0 {
		joined := joinOptional(forms)
		if len(joined) == len(forms) || !p.schema(joined[0]) || len(p.odd(joined[0], 1)) > 0 {
			break
		}
		done = append(done, joined[0])
		forms = joined[1:]
	}
	for _, f := range forms {
		if p.schema(f) {
			done = append(done, f)
		}
	}
	return done
}

// take takes a line apart, for a form of the given group.
func (p *proposer) take(group, line int) {
	if group == generalGroup {
		p.former.takeHeader(p.lines[line])
		return
	}
	p.former.take(p.lines[line], p.table.words(int(p.table.of[line])))
}

// forms takes the lines of a group apart. The form with the most lines is the first.
func (p *proposer) forms(group int, lines []int) []*form {
	index := map[string]*form{}
	var forms []*form
	for _, i := range lines {
		p.take(group, i)
		f := index[string(p.former.key)]
		if f == nil {
			f = &form{key: string(p.former.key), group: group}
			index[f.key] = f
			forms = append(forms, f)
		}
		f.lines = append(f.lines, i)
	}
	slices.SortStableFunc(forms, func(a, b *form) int { return cmp.Compare(len(b.lines), len(a.lines)) })
	return forms
}

// schema gives a form its schema, with the types that its first lines have. Where others then do not match, they have a
// say too. It tells whether any line matches.
func (p *proposer) schema(f *form) bool {
	samples := f.samples
	if samples == nil {
		samples = f.lines[:min(len(f.lines), maxSamples)]
	}
	for range 3 {
		if !p.compile(f, samples) {
			return false
		}
		odd := p.odd(f, maxSamples)
		if len(odd) == 0 {
			return true
		}
		samples = append(slices.Clone(samples), odd...)
	}
	return len(p.odd(f, len(f.lines))) < len(f.lines)
}

// odd is some of the lines of a form that its schema does not match.
func (p *proposer) odd(f *form, most int) []int {
	var odd []int
	for _, i := range f.lines {
		if !f.whole.Match(&p.match, p.lines[i]) {
			if odd = append(odd, i); len(odd) == most {
				break
			}
		}
	}
	return odd
}

// compile makes a schema for these lines of a form.
func (p *proposer) compile(f *form, samples []int) bool {
	slots := make([]slot, countSlots(f.key))
	values := make([][][]byte, len(slots))
	for _, i := range samples {
		p.take(f.group, i)
		v, ok := f.variants[string(p.former.key)]
		for k, s := range p.former.slots {
			if ok {
				k = v.slots[k]
			}
			slots[k] = s
			values[k] = append(values[k], p.lines[i][s.start:s.end])
		}
	}
	f.slots, f.guesses = slots, make([]guess, len(slots))
	for k := range slots {
		if len(values[k]) == 0 {
			return false
		}
		f.guesses[k] = guessOf(values[k], slots[k].role)
		if f.group != generalGroup && p.table.blanks[slots[k].column] && slots[k].role.holdsBlanks() {
			f.guesses[k].kind = "text"
		}
	}
	f.text = f.render(p.time, false, nil)
	f.literal = longestLiteral(f)
	return p.compileText(f)
}

// compileText compiles the text of a form's schema.
func (p *proposer) compileText(f *form) bool {
	var err error
	if f.schema, err = format.Compile(f.text, format.Rules{Time: p.time.rule}); err != nil {
		return false
	}
	f.whole, err = format.Compile(f.text, format.Rules{Time: p.time.rule, Whole: true})
	return err == nil
}
