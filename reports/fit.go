package reports

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	around        = 3 // characters that a table puts around each cell, and one more at its end
	narrowest     = 8 // a column is not made narrower
	listSeparator = ", "
)

// leaveOut takes minor columns off these rows, the last first, until no word needs to be broken. It gives the names of those that
// it took, in their order.
func (s *tableSink) leaveOut() (names []string) {
	for s.least() > s.width {
		last := -1
		for i, c := range s.columns {
			if c.Minor {
				last = i
			}
		}
		if last < 0 {
			return names
		}
		names = slices.Insert(names, 0, s.columns[last].Name)
		s.columns = slices.Delete(slices.Clone(s.columns), last, last+1)
		lists := map[place][]string{}
		for at, list := range s.lists {
			switch {
			case at.column > last:
				lists[place{at.row, at.column - 1}] = list
			case at.column < last:
				lists[at] = list
			}
		}
		s.lists = lists
		for n := range s.rows {
			s.rows[n] = slices.Delete(s.rows[n], last, last+1)
		}
	}
	return names
}

// least is the width of the table with its lists as short as they get and its texts broken where they may be.
func (s *tableSink) least() int {
	w := 1
	for i, c := range s.columns {
		w += around + s.whole(i, c.Name)
	}
	return w
}

// whole is the width that a column needs with no word broken.
func (s *tableSink) whole(column int, heading string) int {
	if s.columns[column].Number {
		return s.widest(column, heading, utf8.RuneCountInString)
	}
	w := utf8.RuneCountInString(heading)
	for n, r := range s.rows {
		text := r[column]
		if list := s.lists[place{n, column}]; list != nil {
			text = shorten(list, 0)
		}
		w = max(w, longestWord(text))
	}
	return w
}

// fit makes the table as narrow as the terminal: lists say how many items they leave out, then texts are broken at blanks and
// joints, and at last anywhere. Numbers stay whole, so a very narrow terminal still gets lines that are too long.
func (s *tableSink) fit(heading []string) {
	widths := make([]int, len(heading))
	over := 1 - s.width
	for i, h := range heading {
		widths[i] = s.widest(i, h, utf8.RuneCountInString)
		over += widths[i] + around
	}
	if over <= 0 {
		return
	}
	floors := make([]int, len(heading))
	for i, h := range heading {
		floors[i] = widths[i]
		if s.isList(i) {
			floors[i] = max(utf8.RuneCountInString(h), s.shortest(i))
		}
	}
	over = narrow(widths, floors, over)
	for i, h := range heading {
		if !s.columns[i].Number {
			floors[i] = s.whole(i, h)
		}
	}
	over = narrow(widths, floors, over)
	for i := len(heading) - 1; i >= 0; i-- { // what the row is about, in the first column, goes last
		if !s.columns[i].Number {
			floors[i] = min(floors[i], max(narrowest, utf8.RuneCountInString(heading[i])))
		}
		if i <= 1 {
			over = narrow(widths, floors, over)
		}
	}
	s.giveLists(widths)
	for n, row := range s.rows {
		for i := range row {
			if list := s.lists[place{n, i}]; list != nil {
				row[i] = shorten(list, widths[i])
			}
			row[i] = breakText(row[i], widths[i])
		}
	}
}

// giveLists has columns with lists take what texts leave of their columns' widths when they are broken.
func (s *tableSink) giveLists(widths []int) {
	slack := 0
	for i, w := range widths {
		if s.isList(i) {
			continue
		}
		widths[i] = s.widest(i, strings.ToUpper(s.columns[i].Name), func(text string) int {
			used := 0
			for line := range strings.SplitSeq(breakText(text, w), "\n") {
				used = max(used, utf8.RuneCountInString(line))
			}
			return used
		})
		slack += w - widths[i]
	}
	for i := range widths {
		if s.isList(i) {
			more := min(slack, s.widest(i, "", utf8.RuneCountInString)-widths[i])
			widths[i] += max(0, more)
			slack -= max(0, more)
		}
	}
}

// widest is the greatest measure of a column's heading and cells.
func (s *tableSink) widest(column int, heading string, measure func(string) int) int {
	w := utf8.RuneCountInString(heading)
	for _, r := range s.rows {
		w = max(w, measure(r[column]))
	}
	return w
}

func (s *tableSink) isList(column int) bool {
	for n := range s.rows {
		if s.lists[place{n, column}] != nil {
			return true
		}
	}
	return false
}

// shortest is the width that the lists of a column need to show one item each.
func (s *tableSink) shortest(column int) int {
	w := 0
	for n := range s.rows {
		w = max(w, utf8.RuneCountInString(shorten(s.lists[place{n, column}], 0)))
	}
	return w
}

// narrow takes characters from the widest columns that have more than their floor, until over are gone; it gives those that
// it could not take.
func narrow(widths, floors []int, over int) int {
	for ; over > 0; over-- {
		widest := -1
		for i, w := range widths {
			if w > floors[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			return over
		}
		widths[widest]--
	}
	return 0
}

// shorten is as much of a list as fits into width, one item at least, and how many are left out.
func shorten(list []string, width int) string {
	for n := len(list); n > 1; n-- {
		if text := listText(list, n); utf8.RuneCountInString(text) <= width {
			return text
		}
	}
	return listText(list, min(1, len(list)))
}

func listText(list []string, n int) string {
	text := strings.Join(list[:n], listSeparator)
	if n < len(list) {
		text += fmt.Sprintf(" +%d", len(list)-n)
	}
	return text
}

// longestWord is the length of the longest part of a text that breakText does not break unless it must.
func longestWord(text string) int {
	longest := 0
	for word := range strings.SplitSeq(text, " ") {
		runes, from := []rune(word), 0
		for i := 1; i < len(runes); i++ {
			if isJoint(runes, i) && (runes[i-1] == 'T' || i > 1 && unicode.IsLetter(runes[i-2])) { // a date stays whole
				longest, from = max(longest, i-from), i
			}
		}
		longest = max(longest, len(runes)-from)
	}
	return longest
}

// isJoint tells whether a word may be broken before its character i: after a hyphen, and between the date and the time of RFC 3339.
func isJoint(word []rune, i int) bool {
	if word[i-1] == 'T' && i > 1 && i < len(word) {
		return unicode.IsDigit(word[i-2]) && unicode.IsDigit(word[i])
	}
	return word[i-1] == '-'
}

// breakText puts line feeds into text so that no line is longer than width: for blanks, at joints and, in what is still too long,
// anywhere.
func breakText(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	var lines []string
	left := []rune(text)
	for len(left) > width {
		end, next, joint := width, width, false
		for i := width; i > 0; i-- {
			if left[i] == ' ' {
				end, next = i, i+1
				break
			}
			if !joint && 2*i > width && isJoint(left, i) {
				end, next, joint = i, i, true
			}
		}
		lines = append(lines, string(left[:end]))
		left = left[next:]
	}
	return strings.Join(append(lines, string(left)), "\n")
}
