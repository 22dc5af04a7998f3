package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// record is one of the ring's.
type record struct {
	priority uint64 // facility times eight plus severity
	seq      uint64
	at       time.Duration // since the machine has started
	text     []byte        // as it stands in the record
	pairs    [][]byte      // KEY=value, as they stand there
}

var errRecord = errors.New("what /dev/kmsg gives is no record")

// parse reads a record. What it says are parts of b.
func (r *record) parse(b []byte) error {
	head, rest, ok := bytes.Cut(b, []byte(";"))
	fields := bytes.Split(head, []byte(","))
	if !ok || len(fields) < 3 {
		return errRecord
	}
	var numbers [3]uint64
	for i := range numbers {
		n, err := strconv.ParseUint(string(fields[i]), 10, 62)
		if err != nil {
			return errRecord
		}
		numbers[i] = n
	}
	r.priority, r.seq = numbers[0], numbers[1]
	r.at = time.Duration(min(numbers[2], uint64(1<<62/time.Microsecond))) * time.Microsecond
	r.pairs = r.pairs[:0]
	r.text, rest, _ = bytes.Cut(rest, []byte("\n"))
	for line := range bytes.Lines(rest) {
		if pair, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte(" ")); ok {
			r.pairs = append(r.pairs, pair)
		}
	}
	return nil
}

// maxPriority is that of the last of syslog's facilities.
const maxPriority = 191

// appendLine appends the record as a line of syslog's.
func (r *record) appendLine(dst []byte, boot time.Time, host string) []byte {
	priority := r.priority
	if priority > maxPriority {
		priority &= 7 // a facility that syslog does not have
	}
	dst = fmt.Appendf(dst, "<%d>1 ", priority)
	dst = boot.Add(r.at).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z")
	dst = fmt.Appendf(dst, " %s kernel - - ", host)
	dst = r.appendPairs(dst)
	dst = append(dst, ' ')
	return appendText(dst, r.text)
}

// appendPairs appends structured data: KEY="value" with quotes, backslashes and brackets behind a backslash.
func (r *record) appendPairs(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, "[kmsg"...)
	empty := len(dst)
	for _, pair := range r.pairs {
		key, value, ok := bytes.Cut(pair, []byte("="))
		if !ok || !isName(key) {
			continue
		}
		dst = append(append(append(dst, ' '), key...), `="`...)
		for _, c := range appendText(nil, value) {
			if c == '"' || c == '\\' || c == ']' {
				dst = append(dst, '\\')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '"')
	}
	if len(dst) == empty {
		return append(dst[:start], '-')
	}
	return append(dst, ']')
}

// isName tells whether b may be a parameter's name.
func isName(b []byte) bool {
	for _, c := range b {
		if c <= ' ' || c > '~' || c == '=' || c == ']' || c == '"' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 32
}

// appendText appends a text of the ring's without its escapes, but for control characters and what is not UTF-8.
func appendText(dst, text []byte) []byte {
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return append(dst, text...)
		}
		dst, text = append(dst, text[:i]...), text[i:]
		var run [utf8.UTFMax]byte
		n := 0
		for n < len(run) {
			c, ok := escaped(text[4*n:])
			if !ok {
				break
			}
			run[n] = c
			n++
		}
		switch r, size := utf8.DecodeRune(run[:n]); {
		case n == 0: // no escape, which the kernel does not write
			dst, text = append(dst, text[0]), text[1:]
		case r == utf8.RuneError && size <= 1, r < ' ' && r != '\t', r == 0x7f:
			dst, text = append(dst, text[:4]...), text[4:]
		default:
			dst, text = append(dst, run[:size]...), text[4*size:]
		}
	}
	return dst
}

// escaped reads \xNN at the front of b.
func escaped(b []byte) (byte, bool) {
	if len(b) < 4 || b[0] != '\\' || b[1] != 'x' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(b[2:4]), 16, 8)
	return byte(n), err == nil
}
