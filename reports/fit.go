package reports

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	around        = 3 // characters that a table puts around each cell, and one more at its end
	narrowest     = 8 // a column is not made narrower
	listSeparator = ", "
)

// fit makes the table as narrow as the terminal: lists say how many items they leave out, then texts are broken at blanks,
// and at last anywhere. Numbers stay whole, so a very narrow terminal still gets lines that are too long.
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
			floors[i] = s.widest(i, h, longestWord)
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
	for n, row := range s.rows {
		for i := range row {
			if list := s.lists[place{n, i}]; list != nil {
				row[i] = shorten(list, widths[i])
			}
			row[i] = breakText(row[i], widths[i])
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

func longestWord(text string) int {
	longest := 0
	for word := range strings.SplitSeq(text, " ") {
		longest = max(longest, utf8.RuneCountInString(word))
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
		end, next := width, width
		for i := width; i > 0; i-- {
			if left[i] == ' ' {
				end, next = i, i+1
				break
			}
			if isJoint(left, i) && end == width && 2*i > width {
				end, next = i, i
			}
		}
		lines = append(lines, string(left[:end]))
		left = left[next:]
	}
	return strings.Join(append(lines, string(left)), "\n")
}
