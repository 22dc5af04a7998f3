package learn

import (
	"slices"
	"strings"
)

// widen lets schemas take whole words where so far they take what stands behind letters that all lines have there, eth0
// instead of the 0 behind eth, and the names of users that are the same in all lines: as long as no schema then matches
// a line of another group that it did not match before. Groups that differ in the name of a user alone get one schema.
func (p *proposer) widen(forms []*form) []*form {
	always := wordsAlways(forms)
	var texts []string
	same := map[string][]*form{} // by their wider text
	for _, f := range forms {
		text := withUser(f.render(p.time, true, always))
		if text == f.text {
			continue
		}
		if same[text] == nil {
			texts = append(texts, text)
		}
		same[text] = append(same[text], f)
	}
	gone := map[*form]bool{}
	for _, text := range texts {
		if of := same[text]; p.widenTo(text, of, forms) {
			for _, f := range of[1:] {
				gone[f] = true
			}
		}
	}
	return slices.DeleteFunc(forms, func(f *form) bool { return gone[f] })
}

// wordsAlways are the words of a fixed beginning and a number, such as ssh2, whose number is the same wherever they stand.
func wordsAlways(forms []*form) map[string]bool {
	lines := map[string]int{} // of each beginning; less than 0 if the numbers differ
	numbers := map[string]string{}
	for _, f := range forms {
		k := 0
		for i := range len(f.key) {
			if !isSlot(f.key[i]) {
				continue
			}
			word, g := lastWord(f.key[:i]), f.guesses[k]
			k++
			if !isPartOfWord(f.key[:i], g.value) || lines[word] < 0 {
				continue
			}
			if number, ok := numbers[word]; !g.same || ok && number != g.value {
				lines[word] = -1
				continue
			}
			numbers[word] = g.value
			lines[word] += len(f.lines)
		}
	}
	always := map[string]bool{}
	for word, n := range lines {
		always[word+numbers[word]] = n >= fewLines
	}
	return always
}

// widenTo gives some forms one wider schema, the first of them, if it does what it should.
func (p *proposer) widenTo(text string, of, forms []*form) bool {
	wide := *of[0]
	wide.text, wide.literal = text, nil // what was a literal may be taken now
	wide.lines = nil
	for _, f := range of {
		wide.lines = append(wide.lines, f.lines...)
		if f.group != wide.group && !slices.Contains(wide.also, f.group) {
			wide.also = append(wide.also, f.group)
		}
	}
	if !p.compileText(&wide) || len(p.odd(&wide, 1)) > 0 {
		return false
	}
	for _, g := range forms {
		if slices.Contains(of, g) || g.group == wide.group || !p.overlaps(&wide, g) {
			continue
		}
		if !slices.ContainsFunc(of, func(f *form) bool { return p.overlaps(f, g) }) {
			return false
		}
	}
	slices.Sort(wide.lines)
	*of[0] = wide
	for _, i := range wide.lines {
		p.own[i] = of[0]
	}
	return true
}

// userMarks are words that the name of a user follows.
var userMarks = [...]string{" for user ", " for user '", ` for user "`, " invalid user ", " user="}

// withUser makes a capture of the name of a user in a schema's text, where that is letters and the schema captures no
// user yet.
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
	if n < len(s) && strings.IndexByte(` ,;)]'"`, s[n]) < 0 {
		return 0
	}
	return n
}

// prefixOfWord is the beginning of the word that a slot behind a part of a form's key ends, if letters, digits and what
// joins them are all that stands between it and a blank or an opening mark.
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
