package syslog

import (
	"bytes"
	"time"

	"logctl/format/token"
)

// versionLen is the length of RFC 5424's version and the blank behind it, or 0.
func versionLen(b []byte) int {
	n := digitsEnd(b)
	if n == 0 || n > 3 || b[0] == '0' || n+1 >= len(b) || b[n] != ' ' {
		return 0
	}
	if next := b[n+1:]; next[0] == '-' && (len(next) == 1 || next[1] == ' ') || len(next) > 4 && digitsEnd(next) == 4 && next[4] == '-' {
		return n + 1
	}
	return 0
}

// parse5424 reads what follows the version: time, host, app, process, message id, structured data, text. "-" is nothing.
func (h *Header) parse5424(rest []byte) bool {
	if stamp, behind := cutRun(rest); string(stamp) == "-" {
		rest = behind
	} else {
		behind, ok := h.cutISO(rest, time.Time{})
		if !ok || len(h.Zone) == 0 {
			return false
		}
		rest = trimBlanks(behind)
	}
	h.Host, rest = cutValue(rest)
	h.cut5424Tail(rest)
	return len(h.Tag) <= maxApp
}

// maxApp is how long RFC 5424 lets the application's name be.
const maxApp = 48

// cut5424Tail reads app, process, message id, structured data and text. Structured data that is none is part of the text; the result
// tells whether there is some, or a hyphen.
func (h *Header) cut5424Tail(rest []byte) bool {
	h.Tag, rest = cutValue(rest)
	h.PID, rest = cutValue(rest)
	h.ID, rest = cutValue(rest)
	n := structuredLen(rest)
	if n > 0 && rest[0] == '[' {
		h.Data = rest[:n]
	}
	h.Text = bytes.TrimPrefix(trimBlanks(rest[n:]), []byte("\xef\xbb\xbf"))
	h.Tagged = true
	return n > 0
}

// parseUnmarked5424 reads what follows the time of an RFC 5424 line that lost its priority and version on the way to a
// file. It is told from the traditional form by its structured data at the one place where it may be.
func (h *Header) parseUnmarked5424(rest []byte) bool {
	try := *h
	try.Host, rest = cutValue(rest)
	app := rest[:token.RunEnd(rest, 0)]
	if len(app) == 0 || bytes.ContainsAny(app, ":[") || !try.cut5424Tail(rest) {
		return false
	}
	if _, ok := token.Digits(try.PID); !ok && len(try.PID) > 0 {
		return false
	}
	*h = try
	return true
}

// cutValue is cutRun where "-" means nothing.
func cutValue(b []byte) (value, rest []byte) {
	value, rest = cutRun(b)
	if string(value) == "-" {
		value = nil
	}
	return value, rest
}

// structuredLen is the length of the "-" or the elements in brackets that b begins with, or 0. In their quoted values a
// backslash takes away the meaning of the next byte.
func structuredLen(b []byte) int {
	if len(b) > 0 && b[0] == '-' {
		if len(b) == 1 || token.IsBlank(b[1]) {
			return 1
		}
		return 0
	}
	if len(b) < 3 || b[0] != '[' || token.IsBlank(b[1]) {
		return 0
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == ']' && (i+1 == len(b) || b[i+1] != '['):
			return i + 1
		}
	}
	return 0
}
