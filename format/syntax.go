package format

import (
	"strings"
	"unicode/utf8"
)

// SyntaxError is a mistake in a schema or in the text of fields, with its place.
type SyntaxError struct {
	What   string // "schema" or "fields"
	Text   string // what was given
	Pos    int    // byte of Text where the mistake is; len(Text) for its end
	Reason string // what is wrong there, and what to write instead where there is one thing
}

func (e *SyntaxError) Error() string { return "bad " + e.What + ": " + e.Reason }

// Caret shows the place for a person: the text on one line and a caret under the byte on the next, both indented by two
// blanks. Control characters are replaced by blanks, so that it is safe on a terminal.
func (e *SyntaxError) Caret() string {
	pos := min(max(e.Pos, 0), len(e.Text))
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, e.Text)
	return "  " + clean + "\n  " + strings.Repeat(" ", utf8.RuneCountInString(e.Text[:pos])) + "^"
}
