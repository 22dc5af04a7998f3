package learn

import (
	"fmt"
	"strconv"
	"strings"
)

// TOML is a preset of that name, for a file of presets: the schemas as alternatives, in their order, with the label as
// the event.
func (r *Report) TOML(name, about string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version = 1\n\n[preset.%s]\nabout = %s\n", name, tomlString(about))
	if len(r.Time) > 0 {
		var fields []string
		for _, f := range r.Time {
			fields = append(fields, tomlString(f))
		}
		fmt.Fprintf(&b, "time = [%s]\n", strings.Join(fields, ", "))
	}
	if r.TimeLayout != "" {
		fmt.Fprintf(&b, "time-layout = %s\n", tomlString(r.TimeLayout))
	}
	for _, s := range r.Schemas {
		fmt.Fprintf(&b, "\n[[preset.%s.line]]\nschema = %s\nfields = { event = %s }\n", name, tomlString(s.Schema), tomlString(s.Label))
	}
	return b.String()
}

// tomlString is a literal string where that can hold s, as most schemas, and a basic one otherwise.
func tomlString(s string) string {
	literal := true
	for _, r := range s {
		literal = literal && r >= 0x20 && r != '\'' && r != 0x7f && r != '�'
	}
	if literal {
		return "'" + s + "'"
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			b.WriteString(`\u00` + strconv.FormatInt(int64(r)+0x100, 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// IsPresetName tells whether s can be the name of a preset.
func IsPresetName(s string) bool {
	if s == "" || len(s) > 64 || !isLetter(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLetter(c) && !isDigit(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
