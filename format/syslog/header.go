// Package syslog reads what syslog puts before a program's own text, in the forms in which it reaches files: the
// traditional one (RFC 3164: "Nov 21 01:42:45 host tag[pid]: text"), the same with an RFC 3339 time (rsyslog's default
// since Debian 12, journalctl -o short-iso), and RFC 5424. A priority in angle brackets may come first.
//
// Parse is lenient, as writers are: it accepts what can be told apart, and allocates nothing.
package syslog

import (
	"bytes"
	"time"

	"logctl/format/token"
)

// Header is what stands before the text, each part as in the line. Parts that a line does not have are empty.
type Header struct {
	Year, Month, Day int
	Time             []byte // the time of day with its fraction and without its zone
	Host, Tag, PID   []byte
	Text             []byte
}

// Parse reads a line's header. The traditional form has no year: it is the one that puts the date at most a day after the
// reference. The second result is false if the line has no header of any of the forms.
func Parse(line []byte, reference time.Time) (Header, bool) {
	rest := cutPriority(line)
	if len(rest) > 2 && len(rest) < len(line) && rest[0] == '1' && rest[1] == ' ' {
		return parse5424(rest[2:])
	}
	h, rest, ok := cutTime(rest, reference)
	if !ok {
		return h, false
	}
	h.Host, rest = cutRun(rest)
	h.Tag, h.PID, h.Text = CutTag(rest)
	return h, len(h.Tag) > 0
}

// cutPriority takes <0> to <191> off a line.
func cutPriority(line []byte) []byte {
	if len(line) < 3 || line[0] != '<' {
		return line
	}
	end := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 {
		return line
	}
	if n, ok := token.Digits(line[1:end]); !ok || n > 191 {
		return line
	}
	return line[end+1:]
}

// cutTime takes a traditional or an RFC 3339 time, and the blanks behind it, off a line.
func cutTime(line []byte, reference time.Time) (Header, []byte, bool) {
	if n := token.DatePrefix(line); n > 0 {
		return cutTraditional(line, n, reference)
	}
	if len(line) < 20 || !token.IsISODate(line[:10]) || line[10]|0x20 != 't' {
		return Header{}, nil, false
	}
	stamp, rest := cutRun(line)
	n := token.TimePrefix(stamp[11:])
	if n == 0 || !token.IsDate(stamp) {
		return Header{}, nil, false
	}
	h := Header{Time: stamp[11 : 11+n]}
	h.Year, _ = token.Digits(stamp[:4])
	h.Month, _ = token.Digits(stamp[5:7])
	h.Day, _ = token.Digits(stamp[8:10])
	return h, rest, true
}

// cutTraditional reads "Nov 21 01:42:45 ", where a year may stand between the date and the time.
func cutTraditional(line []byte, dateLen int, reference time.Time) (Header, []byte, bool) {
	h := Header{Month: token.Month(line[:3])}
	h.Day, _ = token.Digits(bytes.TrimLeft(line[4:dateLen], " "))
	stamp, rest := cutRun(bytes.TrimLeft(line[dateLen:], " "))
	if year, ok := token.Digits(stamp); ok && len(stamp) == 4 {
		h.Year = year
		stamp, rest = cutRun(rest)
	}
	n := token.TimePrefix(stamp)
	if n == 0 {
		return h, nil, false
	}
	h.Time = stamp[:n]
	if h.Year == 0 {
		h.Year = yearOf(h.Month, h.Day, reference)
	}
	return h, rest, h.Day <= token.DaysIn(h.Year, h.Month)
}

// yearOf is the latest year in which the month has that day and the date is at most a day after the reference.
func yearOf(month, day int, reference time.Time) int {
	limit := reference.AddDate(0, 0, 1)
	year := limit.Year()
	if m := int(limit.Month()); month > m || month == m && day > limit.Day() {
		year--
	}
	for range 8 { // leap years are at most eight years apart
		if day <= token.DaysIn(year, month) {
			break
		}
		year--
	}
	return year
}

// parse5424 reads what follows the version: time, host, app, process, message id, structured data, text.
func parse5424(rest []byte) (Header, bool) {
	h, rest, ok := cutTime(rest, time.Time{})
	if !ok {
		return h, false
	}
	h.Host, rest = cutRun(rest)
	h.Tag, rest = cutRun(rest)
	h.PID, rest = cutRun(rest)
	_, rest = cutRun(rest)
	rest, ok = cutStructured(rest)
	if !ok || len(h.Tag) == 0 {
		return h, false
	}
	if string(h.PID) == "-" {
		h.PID = nil
	}
	h.Text = bytes.TrimPrefix(trimBlanks(rest), []byte("\xef\xbb\xbf"))
	return h, true
}

// cutStructured takes "-" or elements in brackets off the front. In their quoted values a backslash takes away the
// meaning of the next byte.
func cutStructured(b []byte) ([]byte, bool) {
	if len(b) > 0 && b[0] == '-' {
		return b[1:], len(b) == 1 || token.IsBlank(b[1])
	}
	if len(b) == 0 || b[0] != '[' {
		return nil, false
	}
	quoted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == ']' && (i+1 == len(b) || b[i+1] != '['):
			return b[i+1:], true
		}
	}
	return nil, false
}

// CutTag splits "tag[pid]: text". Blanks may stand before the bracket and before the colon; both may be missing.
func CutTag(b []byte) (tag, pid, text []byte) {
	i := 0
	for i < len(b) && !token.IsBlank(b[i]) && b[i] != '[' && b[i] != ':' {
		i++
	}
	tag, b = b[:i], trimBlanks(b[i:])
	if len(b) > 1 && b[0] == '[' && b[1]-'0' < 10 {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			if _, ok := token.Digits(b[1:end]); ok {
				pid, b = b[1:end], trimBlanks(b[end+1:])
			}
		}
	}
	if len(b) > 0 && b[0] == ':' {
		b = b[1:]
	}
	return tag, pid, trimBlanks(b)
}

// cutRun splits a run of non-blanks off b, and the blanks behind it.
func cutRun(b []byte) (run, rest []byte) {
	end := token.RunEnd(b, 0)
	return b[:end], trimBlanks(b[end:])
}

func trimBlanks(b []byte) []byte { return b[token.SkipBlanks(b, 0):] }
