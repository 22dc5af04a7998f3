// Package syslog reads what syslog puts before a program's own text, in the forms in which it reaches files and sockets:
//
//	Nov 21 01:42:45 host tag[pid]: text                  the traditional one (RFC 3164); a year, a fraction or a zone may be there
//	2026-11-21T01:42:45.925+00:00 host tag[pid]: text    the same with an RFC 3339 time, or "2026-11-21 01:42:45", or seconds
//	<34>1 2026-11-21T01:42:45Z host app pid id [x y="z"] text    RFC 5424
//	<189>29: *Nov 21 01:42:45.123 UTC: %SYS-5-CONFIG: text       a Cisco's
//
// A priority in angle brackets may come first, or BSD's <auth.info> behind the time; host and tag may be missing.
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
	Priority         int       // facility times eight plus severity; -1 where the line has none
	Year, Month, Day int       // 0 without a time
	Instant          time.Time // of a time that is a count, TAI64N or seconds; then there is no date
	Time             []byte    // the time of day with its fraction and without its zone
	Zone             []byte    // Z, an offset, or a name such as UTC
	Host, Tag, PID   []byte
	Module           []byte // what stands in parentheses behind the tag: su(pam_unix)
	ID, Data         []byte // RFC 5424's message id and structured data, with its brackets
	Text             []byte
	Behind           []byte // all that stands behind the host
	// Tagged tells that Tag is one for sure: a colon, a process id or brackets mark it, or its place does. Otherwise it may as
	// well be the first word of the text.
	Tagged bool

	iso       bool // the time is of a form that other programs write, too
	weak      bool // most of them do
	bracketed bool // the tag is in brackets
}

// NoPriority is the Priority of a line that has none.
const NoPriority = -1

// Parse reads a line's header. The traditional form has no year: it is the one that puts the date at most a day after the
// reference. The second result is false if the line has no header of any of the forms.
func Parse(line []byte, reference time.Time) (Header, bool) {
	h := Header{Priority: NoPriority}
	rest := h.cutPriority(cutCount(line))
	if h.Priority >= 0 {
		if n := versionLen(rest); n > 0 {
			ok := h.parse5424(rest[n:])
			return h, ok
		}
	}
	behind, ok := h.cutTime(trimBlanks(cutSequence(rest, h.Priority >= 0)), reference)
	if !ok {
		if h.Priority < 0 {
			return h, false
		}
		h = Header{Priority: h.Priority} // without what was taken for a part of a time
		h.cutTag(trimBlanks(rest))       // as programs write to the local socket
		return h, true
	}
	if bytes.HasPrefix(behind, []byte(": ")) { // Cisco: no host
		h.cutTag(trimBlanks(behind[1:]))
		return h, true
	}
	behind = h.cutFacility(trimBlanks(behind))
	if h.Priority < 0 && len(h.Zone) > 0 && h.parseUnmarked5424(behind) {
		return h, true
	}
	if !startsWithTag(behind) {
		h.Host, behind = cutRun(behind)
		behind = h.cutFacility(behind)
	}
	h.cutTag(behind)
	if h.iso && h.Priority < 0 && !h.convincing() {
		return h, false
	}
	return h, len(h.Host) > 0 || len(h.Tag) > 0
}

// convincing tells whether what follows a time that other programs write, too, is a host and a tag or one of the two, and not a
// level, a thread or a number. Where there is a blank in the time, 2026-11-21 01:42:45, there has to be a tag.
func (h *Header) convincing() bool {
	if h.bracketed || h.weak && (!h.Tagged || len(h.Tag) == 0 || !isLetter(h.Tag[0]) && h.Tag[0] != '%' && h.Tag[0] != '/') {
		return false
	}
	if len(h.Host) == 0 {
		return h.Tagged
	}
	return h.Host[0] != '[' && digitsEnd(h.Host) < len(h.Host) && !isLevel(h.Host)
}

// isLevel tells whether b is what programs call the severity of a message.
func isLevel(b []byte) bool {
	if len(b) > 8 {
		return false
	}
	switch string(bytes.ToUpper(b)) {
	case "INFO", "WARN", "WARNING", "ERROR", "DEBUG", "TRACE", "FATAL", "CRITICAL", "NOTICE", "SEVERE", "ERR":
		return true
	}
	return false
}

// cutCount takes what counts a message's bytes on a stream (RFC 6587) off the front: "99 <13>1 …".
func cutCount(line []byte) []byte {
	i := digitsEnd(line)
	if i > 0 && i < 7 && i+1 < len(line) && line[i] == ' ' && line[i+1] == '<' {
		return line[i+1:]
	}
	return line
}

// cutPriority takes <0> to <191> off a line.
func (h *Header) cutPriority(line []byte) []byte {
	if len(line) < 3 || line[0] != '<' {
		return line
	}
	end := bytes.IndexByte(line[:min(len(line), 5)], '>')
	if end < 2 {
		return line
	}
	n, ok := token.Digits(line[1:end])
	if !ok || n > 191 {
		return line
	}
	h.Priority = n
	return line[end+1:]
}

// cutSequence takes a Cisco's message count, "29: ", off the front. Behind a priority only: it could be anything.
func cutSequence(b []byte, marked bool) []byte {
	b = trimBlanks(b)
	if i := digitsEnd(b); marked && i > 0 && bytes.HasPrefix(b[i:], []byte(": ")) {
		b = trimBlanks(b[i+1:])
	}
	return b
}

// cutFacility takes BSD's <auth.info> or <4.6> off the front.
func (h *Header) cutFacility(b []byte) []byte {
	if len(b) < 5 || b[0] != '<' {
		return b
	}
	end := bytes.IndexByte(b[:min(len(b), 20)], '>')
	if end < 0 {
		return b
	}
	if !h.setPriority(b[1:end]) {
		return b
	}
	return trimBlanks(b[end+1:])
}

// setPriority reads auth.info or 4.6. It tells false if the text is something else.
func (h *Header) setPriority(b []byte) bool {
	facility, severity, ok := bytes.Cut(b, []byte("."))
	f, s := numberOrName(facility, Facilities[:]), numberOrName(severity, Severities[:])
	if !ok || f < 0 || s < 0 {
		return false
	}
	if h.Priority < 0 {
		h.Priority = f*8 + s
	}
	return true
}

// cutSolaris takes "[ID 800047 auth.info] ", which Solaris puts before the text, off it.
func (h *Header) cutSolaris() {
	rest, ok := bytes.CutPrefix(h.Text, []byte("[ID "))
	if !ok {
		return
	}
	n := digitsEnd(rest)
	end := bytes.IndexByte(rest[:min(len(rest), 40)], ']')
	if n == 0 || end < n+2 || rest[n] != ' ' {
		return
	}
	if h.setPriority(rest[n+1 : end]) {
		h.Text = trimBlanks(rest[end+1:])
	}
}

// cutRun splits a run of non-blanks off b, and the blanks behind it.
func cutRun(b []byte) (run, rest []byte) {
	end := token.RunEnd(b, 0)
	return b[:end], trimBlanks(b[end:])
}

func trimBlanks(b []byte) []byte { return b[token.SkipBlanks(b, 0):] }

func digitsEnd(b []byte) int {
	i := 0
	for i < len(b) && b[i]-'0' < 10 {
		i++
	}
	return i
}
