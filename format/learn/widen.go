package learn

import (
	"slices"
	"strings"

	"logctl/format"
)

// widen lets schemas take whole words where so far they take what stands behind letters that all lines have there, eth0 instead of the 0
// behind eth, and the names of users that are the same in all lines: as long as no schema then matches a line of another group that it
// did not match before.
func (p *proposer) widen(forms []*form) {
	for _, f := range forms {
		wide := f.wider(p.time)
		if wide == nil {
			continue
		}
		rules := format.Rules{Time: p.time.rule}
		var err error
		if wide.schema, err = format.Compile(wide.text, rules); err != nil {
			continue
		}
		rules.Whole = true
		if wide.whole, err = format.Compile(wide.text, rules); err != nil {
			continue
		}
		if len(p.odd(wide, 1)) > 0 || slices.ContainsFunc(forms, func(g *form) bool { return g.group != f.group && p.overlaps(wide, g) && !p.overlaps(f, g) }) {
			continue
		}
		f.text, f.schema, f.whole, f.literal = wide.text, wide.schema, wide.whole, wide.literal
	}
}

// wider is the form with a wider schema, not compiled yet; nil if there is none.
func (f *form) wider(t timeRule) *form {
	wide := *f
	wide.text = withUser(f.render(t, true))
	if wide.text == f.text {
		return nil
	}
	wide.literal = nil // what was a literal may be taken now
	return &wide
}

// userMarks are words that the name of a user follows.
var userMarks = [...]string{" for user ", " invalid user ", " user="}

// withUser makes a capture of the name of a user in a schema's text, where that is letters and the schema captures no user yet.
func withUser(text string) string {
	if strings.Contains(text, "$user") {
		return text
	}
	for _, mark := range userMarks {
		if i := strings.Index(text, mark); i >= 0 {
			i += len(mark)
			if n := letters(text[i:]); n > 0 {
				return text[:i] + "$user" + text[i+n:]
			}
		}
	}
	if i := strings.Index(text, " for "); i >= 0 {
		i += len(" for ")
		if n := letters(text[i:]); n > 0 && isUserNext(text[:i], text[i+n:]) {
			return text[:i] + "$user" + text[i+n:]
		}
	}
	return text
}

// letters is the length of the word of letters that s is or begins with, 0 if more than a blank or punctuation follows.
func letters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	if n < len(s) && strings.IndexByte(" ,;)]", s[n]) < 0 {
		return 0
	}
	return n
}

// prefixOfWord is the beginning of the word that a slot behind a part of a form's key ends, if letters, digits and what joins them are all
// that stands between it and a blank or an opening mark.
func prefixOfWord(before string) string {
	i := len(before)
	for i > 0 && (isNameByte(before[i-1]) || before[i-1] == '-') {
		i--
	}
	prefix := before[i:]
	if prefix == "" || !isLetter(prefix[0]) || i > 0 && strings.IndexByte(` ([{<"'=`, before[i-1]) < 0 {
		return ""
	}
	return prefix
}
