package syslog

import (
	"bytes"

	"logctl/format/token"
)

// cutTag splits "tag[pid]: text" into the header's parts.
func (h *Header) cutTag(b []byte) {
	h.Text, h.Behind = b, b
	if len(b) == 0 {
		return
	}
	if b[0] == ':' { // Cisco's "host : %ASA-6-302013: text"
		b = trimBlanks(b[1:])
		h.Text, h.Behind = b, b
	}
	h.splitTag(b)
	h.cutModule()
	h.cutSolaris()
}

// splitTag is cutTag without what may stand in parentheses or before the text.
func (h *Header) splitTag(b []byte) {
	if tag, rest, ok := cutBracketed(b); ok {
		h.Tag, h.Tagged, h.bracketed = tag, true, true
		_, h.PID, h.Text = cutProcess(rest)
		return
	}
	if n := spacedTag(b); n > 0 {
		h.Tag, h.Tagged = b[:n], true
		_, h.PID, h.Text = cutProcess(b[n:])
		return
	}
	h.Tag, h.PID, h.Text = CutTag(b)
	end := len(h.Tag)
	h.Tagged = len(h.PID) > 0 || end > 0 && end < len(b) && b[end] == ':'
	if !h.Tagged && end < len(b) && b[end] == '[' { // tag[thread]:
		if close := bytes.IndexByte(b[end:], ']'); close > 0 && end+close+1 < len(b) && b[end+close+1] == ':' && !hasBlank(b[end:end+close]) {
			h.PID, h.Text, h.Tagged = b[end+1:end+close], trimBlanks(b[end+close+2:]), true
		}
	}
	if !h.Tagged && end+1 < len(b) && token.IsBlank(b[end]) && bytes.HasPrefix(trimBlanks(b[end:]), []byte(": ")) {
		h.Tagged = true // "tag : text"
	}
}

// cutModule takes what stands in parentheses off the end of a tag: a process id, a word, or else what belongs to the text.
func (h *Header) cutModule() {
	i := bytes.IndexByte(h.Tag, '(')
	if i < 1 || h.bracketed {
		return
	}
	tag, inner := h.Tag[:i], h.Tag[i+1:]
	switch end := bytes.IndexByte(inner, ')'); {
	case end < 0 || end != len(inner)-1:
		h.Text = h.Behind[i:]
	case isWord(inner[:end]):
		h.Module = inner[:end]
	case digitsEnd(inner) == end && len(h.PID) == 0:
		h.PID = inner[:end]
	default:
		h.Text = h.Behind[i:]
	}
	h.Tag = tag
}

// isWord tells whether b is letters, digits and underscores, a letter first.
func isWord(b []byte) bool {
	for _, c := range b {
		if !isLetter(c) && c-'0' > 9 && c != '_' {
			return false
		}
	}
	return len(b) > 0 && isLetter(b[0])
}

// Repeated takes "message repeated 5 times: [ text]" apart, by which rsyslog replaces equal messages.
func Repeated(b []byte) (times, text []byte, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte("message repeated "))
	if !ok {
		return nil, nil, false
	}
	n := digitsEnd(rest)
	text, ok = bytes.CutPrefix(rest[n:], []byte(" times: ["))
	if !ok || n == 0 {
		return nil, nil, false
	}
	text, ok = bytes.CutSuffix(bytes.TrimRight(text, " "), []byte("]"))
	return rest[:n], trimBlanks(text), ok
}

// CutTag splits "tag[pid]: text". Blanks may stand before the bracket and before the colon; both may be missing.
func CutTag(b []byte) (tag, pid, text []byte) {
	i := 0
	for i < len(b) && !token.IsBlank(b[i]) && b[i] != '[' && b[i] != ':' {
		if b[i] == '(' { // auth(name,192.0.2.1): all of it is the tag
			if n := parenthesized(b[i:]); n > 0 {
				i += n
				continue
			}
		}
		i++
	}
	_, pid, text = cutProcess(b[i:])
	return b[:i], pid, text
}

// parenthesized is the length of the "(…)" or "(…)<…>" at the front of b that holds no blank, or 0.
func parenthesized(b []byte) int {
	for i, c := range b {
		switch {
		case token.IsBlank(c):
			return 0
		case c == ')':
			i++
			if i < len(b) && b[i] == '<' {
				if end := bytes.IndexByte(b[i:], '>'); end > 0 && !hasBlank(b[i:i+end]) {
					return i + end + 1
				}
			}
			return i
		}
	}
	return 0
}

// cutProcess takes "[pid]: " off the front, where each part may be missing.
func cutProcess(b []byte) (colon bool, pid, text []byte) {
	b = trimBlanks(b)
	if len(b) > 1 && b[0] == '[' && b[1]-'0' < 10 {
		if end := bytes.IndexByte(b, ']'); end > 0 {
			if _, ok := token.Digits(b[1:end]); ok {
				pid, b = b[1:end], trimBlanks(b[end+1:])
			}
		}
	}
	if len(b) > 0 && b[0] == ':' {
		colon, b = true, b[1:]
	}
	return colon, pid, trimBlanks(b)
}

// cutBracketed takes a tag in brackets, "[sshd]", off the front. What a kernel or another program writes there holds a
// blank or begins with a digit.
func cutBracketed(b []byte) (tag, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != '[' || !isLetter(b[1]) {
		return nil, nil, false
	}
	end := bytes.IndexByte(b, ']')
	if end < 0 || hasBlank(b[1:end]) {
		return nil, nil, false
	}
	return b[1:end], b[end+1:], true
}

// maxSpaced is how long a tag with blanks in it may be.
const maxSpaced = 40

// spacedTag is the length of a tag with blanks in it, such as "Google Chrome[123]:", or 0. It is letters, digits, blanks
// and a few signs up to a process id with a colon behind it.
func spacedTag(b []byte) int {
	blank := false
	for i, c := range b[:min(len(b), maxSpaced)] {
		switch {
		case c == '[':
			end := i + 1 + digitsEnd(b[i+1:])
			if blank && end > i+1 && bytes.HasPrefix(b[end:], []byte("]:")) {
				return i
			}
			return 0
		case c == ' ':
			blank = true
		case !isLetter(c) && c-'0' > 9 && c != '.' && c != '-' && c != '_':
			return 0
		}
	}
	return 0
}

// startsWithTag tells whether b begins with a tag, so that the host is missing: its first run ends with a colon, or has
// a process id, or is in brackets.
func startsWithTag(b []byte) bool {
	run := b[:token.RunEnd(b, 0)]
	if len(run) < 2 {
		return len(run) == 1 && run[0] == '%'
	}
	if run[0] == '[' {
		return isLetter(run[1])
	}
	if run[0] == '%' || run[len(run)-1] == ':' {
		return true
	}
	open := bytes.IndexByte(run, '[')
	return open > 0 && run[len(run)-1] == ']' && digitsEnd(run[open+1:]) == len(run)-open-2
}

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }

func hasBlank(b []byte) bool { return token.RunEnd(b, 0) < len(b) }
