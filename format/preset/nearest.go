package preset

import (
	"fmt"
	"slices"
	"strings"
)

// NameError tells that there is no preset of a name.
type NameError struct {
	Name    string
	Nearest []string // those that may be meant
}

func (e *NameError) Error() string {
	text := fmt.Sprintf("there is no preset %q", e.Name)
	if len(e.Nearest) > 0 {
		text += "; is it " + strings.Join(e.Nearest, ", ") + "?"
	}
	return text
}

// nearest are the presets that a name which none has may mean: those that are spelled nearly so, or have it in their name or in
// what they are about.
func (s *Set) nearest(name string) []string {
	const most = 5
	name = strings.ToLower(name)
	if name == "" {
		return nil
	}
	var spelled, about []string
	for _, other := range s.names {
		switch {
		case edits(name, other) <= len(name)/3, strings.Contains(other, name):
			spelled = append(spelled, other)
		case strings.Contains(strings.ToLower(s.byName[other].About), name):
			about = append(about, other)
		}
	}
	slices.SortStableFunc(spelled, func(a, b string) int { return edits(name, a) - edits(name, b) })
	all := append(spelled, about...)
	return all[:min(len(all), most)]
}

// edits is how many bytes have to be added, removed, replaced or swapped with their neighbour to make b of a.
func edits(a, b string) int {
	var last []int // the row before row
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			if a[i] == b[j] {
				next[j+1] = row[j]
				continue
			}
			next[j+1] = 1 + min(row[j], row[j+1], next[j])
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], 1+last[j-1])
			}
		}
		last, row = row, next
	}
	return row[len(b)]
}
