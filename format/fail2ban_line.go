package format

import (
	"bytes"
	"strconv"
	"time"

	"logctl/format/syslog"
	"logctl/format/token"
)

// banLine is what one line of fail2ban's says. Its slices are parts of the line, or of dateBuf.
type banLine struct {
	date, hour  []byte
	level       []byte
	process, ip []byte
	message     []byte // behind the level and the jail in brackets
	event       event
	dateBuf     [11]byte // a digit more than a date, which is cut off
}

// parse reads a line of one of these forms, where the blanks may be any and what is in parentheses may be missing:
//
//	2017-06-14 17:16:12(,329) fail2ban.actions ([1112])(:) NOTICE [sshd] Ban 59.45.175.88
//	2017-06-14 17:16:12,329 (+ 123) 7F3A40 (fail2ban.actions) NOTIC [sshd] Ban 59.45.175.88   (with -vv)
//	Jun 14 17:16:12 host fail2ban.actions[1112]: (NOTICE) [sshd] Ban 59.45.175.88             (any form of syslog's)
//	Jun 14 17:16:12 host fail2ban-server[1112]: one of the first two, with its date or without
func (l *banLine) parse(line []byte, reference time.Time) bool {
	line = bytes.TrimSpace(line)
	if rest, ok := l.cutTime(line); ok {
		return l.parseLogger(rest)
	}
	h, ok := syslog.Parse(line, reference)
	if !ok || h.Month == 0 || !bytes.HasPrefix(h.Tag, []byte("fail2ban")) {
		return false
	}
	if rest, ok := l.cutTime(h.Text); ok {
		return l.parseLogger(rest)
	}
	l.hour = h.Time
	l.date = l.appendDate(h)
	if bytes.HasPrefix(h.Text, []byte("fail2ban.")) && l.parseLogger(h.Text) {
		return true
	}
	l.parseMessage(l.cutLevel(h.Text))
	return true
}

// cutTime takes "2017-06-14 17:16:12,329 " off the front.
func (l *banLine) cutTime(b []byte) ([]byte, bool) {
	if len(b) < 20 || !token.IsBlank(b[10]) || !token.IsISODate(b[:10]) {
		return nil, false
	}
	hour := b[token.SkipBlanks(b, 10):]
	n := token.TimePrefix(hour)
	if n == 0 || n == len(hour) || !token.IsBlank(hour[n]) {
		return nil, false
	}
	l.date, l.hour = b[:10], hour[:n]
	return hour[token.SkipBlanks(hour, n):], true
}

func (l *banLine) appendDate(h syslog.Header) []byte {
	b := strconv.AppendInt(l.dateBuf[:0], int64(10000+h.Year), 10)[1:]
	b = append(b, '-', byte('0'+h.Month/10), byte('0'+h.Month%10))
	return append(b, '-', byte('0'+h.Day/10), byte('0'+h.Day%10))
}

// parseLogger reads what follows the time: the logger's name with its process id, the level, the message.
func (l *banLine) parseLogger(b []byte) bool {
	known := bytes.HasPrefix(b, []byte("fail2ban"))
	if !known {
		if b, known = cutThread(b); !known {
			return false
		}
	}
	var pid []byte
	if bytes.HasPrefix(b, []byte("fail2ban")) {
		_, pid, b = syslog.CutTag(b)
	}
	b = l.cutLevel(b)
	if l.level == nil && pid == nil {
		return false
	}
	l.parseMessage(b)
	return true
}

// cutThread takes what a verbose fail2ban writes first off the front: the milliseconds since its start, behind a plus
// sign, and the thread's id in upper case hex digits.
func cutThread(b []byte) ([]byte, bool) {
	if len(b) > 0 && b[0] == '+' {
		b = b[token.SkipBlanks(b, 1):]
		end := token.RunEnd(b, 0)
		if _, ok := token.Digits(b[:end]); !ok {
			return nil, false
		}
		b = b[token.SkipBlanks(b, end):]
	}
	end := token.RunEnd(b, 0)
	for _, c := range b[:end] {
		if c-'0' > 9 && c-'A' > 5 {
			return nil, false
		}
	}
	return b[token.SkipBlanks(b, end):], end >= 4
}

// cutLevel takes the level off the front, if there is one.
func (l *banLine) cutLevel(b []byte) []byte {
	end := token.RunEnd(b, 0)
	if l.level = levelNamed(b[:end]); l.level == nil {
		return b
	}
	b = b[token.SkipBlanks(b, end):]
	if len(b) > 0 && b[0] == '|' { // with -vvvv: | module-20: function |
		if end := bytes.IndexByte(b[1:], '|'); end >= 0 {
			b = b[token.SkipBlanks(b, end+2):]
		}
	}
	return b
}

// levelNamed is the level that a word says, in full, or nil. With -vv fail2ban cuts the names to five letters.
func levelNamed(word []byte) []byte {
	switch string(word) {
	case "NOTICE", "INFO", "WARNING", "ERROR", "DEBUG", "CRITICAL", "MSG", "HEAVY", "TRACE", "HEAVYDEBUG", "TRACEDEBUG", "WARN", "FATAL":
		return word
	case "NOTIC":
		return []byte("NOTICE")
	case "WARNI":
		return []byte("WARNING")
	case "CRITI":
		return []byte("CRITICAL")
	}
	if len(word) > 5 && word[0] == '#' && bytes.HasSuffix(word, []byte("-Lev.")) {
		return word // a number that has no name: #06-Lev.
	}
	return nil
}
