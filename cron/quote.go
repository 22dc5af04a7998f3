package cron

import "strings"

// plain tells whether c needs no quoting in a shell's word.
func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80 || strings.IndexByte("_-./:=@,+%", c) >= 0
}

func allPlain(s string) bool {
	for i := range len(s) {
		if !plain(s[i]) {
			return false
		}
	}
	return s != ""
}

// quote makes one word of the shell of s, whatever is in it.
//
// A backslash never stands right before a %: cron takes the pair for an escaped %, in quotes or not, and has no way to say
// both. The quotes are closed and opened again between the two.
func quote(s string) string {
	if allPlain(s) {
		return s
	}
	s = strings.ReplaceAll(s, `'`, `'\''`)
	s = strings.ReplaceAll(s, `\%`, `\''%`)
	return "'" + s + "'"
}

// isPattern tells whether the shell would look for files that match s.
func isPattern(s string) bool { return strings.ContainsAny(s, "*?[") }

// quotePattern is quote, but leaves the shell its * ? and [].
func quotePattern(s string) string {
	if !isPattern(s) {
		return quote(s)
	}
	var b strings.Builder
	for i := range len(s) {
		if !plain(s[i]) && strings.IndexByte("*?[]!^", s[i]) < 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// escapePercent keeps cron from ending the command at a %, where it would feed the rest to its standard input.
func escapePercent(command string) string { return strings.ReplaceAll(command, "%", `\%`) }

// quoteUnit makes one word of a unit file's ExecStart or Environment of s. A $ stands for itself only in Environment; in
// ExecStart it is doubled.
func quoteUnit(s string, exec bool) string {
	s = strings.ReplaceAll(s, "%", "%%")
	if exec {
		s = strings.ReplaceAll(s, "$", "$$")
	}
	if s != "" && !strings.ContainsAny(s, " \"'\\;") {
		return s
	}
	s = strings.ReplaceAll(s, `\`, `\\`)
	return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"`
}
