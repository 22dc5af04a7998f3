package learn

import (
	"cmp"
	"slices"
	"strings"
)

// variant is a key that a form has besides its own: the same without some of its words.
type variant struct {
	slots []int // which of the form's slots each slot of the key is
}

// joinOptional makes one form of those of a group that are the longest one without some of its words: bytes (1.15 KB)
// sent and bytes sent. It gives that form and the others.
func joinOptional(forms []*form) []*form {
	full := slices.MaxFunc(forms, func(a, b *form) int {
		return cmp.Or(cmp.Compare(strings.Count(a.key, " "), strings.Count(b.key, " ")), cmp.Compare(len(a.lines), len(b.lines)))
	})
	words := strings.Split(full.key, " ")
	joined := &form{key: full.key, group: full.group, variants: map[string]variant{}}
	var rest []*form
	var absences [][]bool
	for _, f := range forms {
		absent, ok := without(words, strings.Split(f.key, " "))
		if !ok {
			rest = append(rest, f)
			continue
		}
		absences = append(absences, absent)
		joined.variants[f.key] = variant{slotsOf(words, absent)}
		joined.lines = append(joined.lines, f.lines...)
		joined.samples = append(joined.samples, f.lines[:min(len(f.lines), samplesOfVariant)]...)
	}
	if len(absences) < 2 {
		return forms
	}
	slices.Sort(joined.lines)
	joined.optional = parts(words, absences)
	return append([]*form{joined}, rest...)
}

// samplesOfVariant is how many lines of each variant types are guessed from.
const samplesOfVariant = 50

// parts puts words side by side that are absent together into one part, numbered from 1; words that are never absent
// are in part 0.
func parts(words []string, absences [][]bool) []int {
	optional := make([]int, len(words))
	last := 0
	for i := range words {
		never, asBefore := true, i > 0
		for _, absent := range absences {
			never = never && !absent[i]
			asBefore = asBefore && absent[i] == absent[i-1]
		}
		switch {
		case never:
		case asBefore:
			optional[i] = last
		default:
			last++
			optional[i] = last
		}
	}
	return optional
}

// without tells whether some words are others without some of these, and which are absent. Half of them must be there,
// the first one too.
func without(words, some []string) (absent []bool, ok bool) {
	if len(some) > len(words) || 2*len(some) < len(words) || words[0] != some[0] {
		return nil, false
	}
	absent = make([]bool, len(words))
	k := 0
	for i, w := range words {
		if k < len(some) && some[k] == w {
			k++
		} else {
			absent[i] = true
		}
	}
	return absent, k == len(some)
}

// slotsOf are the numbers of the slots of words that are not absent.
func slotsOf(words []string, absent []bool) []int {
	var slots []int
	n := 0
	for i, w := range words {
		for range countSlots(w) {
			if !absent[i] {
				slots = append(slots, n)
			}
			n++
		}
	}
	return slots
}
