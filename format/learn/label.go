package learn

import (
	"strconv"
	"strings"
)

const (
	maxLabelWords = 5
	maxLabel      = 40 // bytes, but for a number behind it
)

// labels gives each template a name of its first words, each another one.
func labels(groups []Group) {
	used := map[string]bool{generalLabel: true}
	for i := range groups {
		base := labelOf(withUser(groups[i].Template))
		label := base
		for k := 2; used[label]; k++ {
			label = base + "_" + strconv.Itoa(k)
		}
		used[label] = true
		groups[i].Label = label
	}
}

// generalLabel is that of schemas for lines that have none of their own.
const generalLabel = "other"

// labelOf makes a name of the words of a template, without its values and in small letters.
func labelOf(template string) string {
	var words []string
	length := 0
	for _, w := range strings.FieldsFunc(template, func(r rune) bool { return !isLetter(byte(min(r, 0x7f))) }) {
		if length += len(w) + 1; len(words) == maxLabelWords || len(words) > 0 && length > maxLabel {
			break
		}
		if len(w) > maxLabel {
			w = w[:maxLabel]
		}
		words = append(words, strings.ToLower(w))
	}
	if len(words) == 0 {
		return "line"
	}
	return strings.Join(words, "_")
}
