package preset

import (
	"fmt"
	"strings"

	"logctl/format"
)

// Error is a mistake in a file of presets, with its place.
type Error struct {
	File   string // "" for a built-in preset
	Line   int    // 0 where it is not known
	Preset string // "" where it is not in one
	Reason string
	place  place
}

// place is where a mistake is in a text, which is a line of the file or a schema.
type place struct {
	what, text string
	pos        int
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ", line %d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Preset != "" {
		fmt.Fprintf(&b, "preset %s: ", e.Preset)
	}
	return b.String() + e.Reason
}

// Caret shows the place for a person as format.SyntaxError does, or is "".
func (e *Error) Caret() string {
	if e.place.text == "" {
		return ""
	}
	return (&format.SyntaxError{What: e.place.what, Text: e.place.text, Pos: e.place.pos}).Caret()
}
