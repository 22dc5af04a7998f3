package learn

import (
	"cmp"
	"slices"
	"strings"
)

// dominance is how many times as many lines a group must have as one that it takes in for having an odd value:
// synchronized to LOCAL(0) among hundreds of synchronized to 10.100.20.250.
const dominance = 10

// maxDominant bounds the number of groups of one length that may take in others.
const maxDominant = 200

// dominate lets groups with many lines take in those that have something odd where they have a value.
func (t *table) dominate(groups []*group) []*group {
	type kind struct {
		length int
		bare   bool
	}
	byLength := map[kind][]*group{}
	tokens := map[*group][]string{}
	for _, g := range groups {
		tk := g.tokens()
		tokens[g] = tk
		k := kind{len(tk), t.shapes[g.shapes[0]].bare}
		byLength[k] = append(byLength[k], g)
	}
	gone := map[*group]bool{}
	for _, same := range byLength {
		slices.SortStableFunc(same, func(a, b *group) int { return cmp.Compare(b.lines, a.lines) })
		for i := len(same) - 1; i > 0; i-- {
			small := same[i]
			for _, big := range same[:min(i, maxDominant)] {
				if big.lines < dominance*small.lines {
					break
				}
				if fits(tokens[big], tokens[small]) {
					big.shapes = append(big.shapes, small.shapes...)
					big.lines += small.lines
					gone[small] = true
					break
				}
			}
		}
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return gone[g] })
}

// tokens is the template of a group, split at blanks.
func (g *group) tokens() []string {
	sig := g.sig
	var b strings.Builder
	k := 0
	for i := 0; i < len(sig); {
		if !isSigWord(sig[i]) {
			b.WriteByte(sig[i])
			i++
			continue
		}
		j := i + sigWordLen(sig[i:])
		b.WriteString(g.words[k])
		k++
		for i = j; i < len(sig) && isSigWord(sig[i]); i++ {
			b.WriteByte(sig[i])
		}
	}
	return strings.Split(b.String(), " ")
}

// fits tells whether a template, token by token, describes another one, values being any run of non-blanks. Most of its
// tokens must be the same words.
func fits(pattern, text []string) bool {
	same := 0
	for i, p := range pattern {
		switch {
		case p == text[i]:
			if strings.IndexByte(p, wild) < 0 {
				same++
			}
		case !matchesRun(p, text[i]):
			return false
		}
	}
	return same >= 2 && 2*same >= len(pattern)
}

// matchesRun tells whether a token describes another one, wildcards in it being any non-empty text.
func matchesRun(pattern, text string) bool {
	parts := strings.Split(pattern, anyWord)
	if len(parts) == 1 || !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 1 {
			return false
		}
		text = text[i+len(part):]
	}
	last := parts[len(parts)-1]
	return len(text) > len(last) && strings.HasSuffix(text, last)
}
