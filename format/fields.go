package format

import (
	"strings"
)

// Field is a constant member of every object that is made: a key and the string that is its value.
type Field struct{ Key, Value string }

// ParseFields reads "key=value,key=value". A value may hold = and, in double or single quotes, commas; in quotes a
// backslash takes the next character's meaning away. No text is no fields. The error is a *SyntaxError.
func ParseFields(text string) ([]Field, error) {
	var fields []Field
	fail := func(pos int, reason string) ([]Field, error) {
		return nil, &SyntaxError{What: "fields", Text: text, Pos: pos, Reason: reason}
	}
	for pos := 0; pos < len(text); {
		rest := text[pos:]
		key, _, found := strings.Cut(rest, "=")
		if comma := strings.IndexByte(rest, ','); !found || comma >= 0 && comma < len(key) {
			return fail(pos, "a field is key=value")
		}
		if key = strings.TrimSpace(key); key == "" {
			return fail(pos, "a field needs a key before =")
		}
		pos += strings.IndexByte(rest, '=') + 1
		value, n, reason := fieldValue(text[pos:])
		if reason != "" {
			return fail(pos+n, reason)
		}
		fields = append(fields, Field{key, value})
		if pos += n; pos == len(text) {
			break
		}
		if pos++; pos == len(text) {
			return fail(pos, "a field must follow the comma")
		}
	}
	return fields, nil
}

// fieldValue reads one value and gives the length of its text, which is where the mistake is if there is a reason.
func fieldValue(text string) (value string, n int, reason string) {
	if text == "" || text[0] != '"' && text[0] != '\'' {
		value, _, _ = strings.Cut(text, ",")
		return value, len(value), ""
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case c != text[0]:
			b.WriteByte(c)
		case i+1 < len(text) && text[i+1] != ',':
			return "", i + 1, "a comma or the end must follow a quoted value"
		default:
			return b.String(), i + 1, ""
		}
	}
	return "", 0, "the quoted value has no end"
}

// valueOf is the value of the field with that key.
func valueOf(fields []Field, key string) (string, bool) {
	for _, f := range fields {
		if f.Key == key {
			return f.Value, true
		}
	}
	return "", false
}

// LastOfEach keeps the first place and the last value of every key.
func LastOfEach(fields []Field) []Field {
	var kept []Field
next:
	for _, f := range fields {
		for i := range kept {
			if kept[i].Key == f.Key {
				kept[i].Value = f.Value
				continue next
			}
		}
		kept = append(kept, f)
	}
	return kept
}
