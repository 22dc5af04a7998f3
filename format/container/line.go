// Package container takes apart the lines that container runtimes write around what a program says: Docker's json-file logs and
// the logs of Kubernetes' runtimes (CRI).
//
//	{"log":"message\n","stream":"stdout","time":"2026-11-26T04:16:13.123456789Z"}
//	2026-11-26T04:16:13.123456789Z stdout F message
//
// A runtime cuts long lines into pieces, each a Line with More but the last. Pieces of one stream belong together.
package container

import (
	"bytes"
	"encoding/json"
	"time"

	"logctl/store/ejson"
)

// Kind is who has written a log.
type Kind string

// The kinds of logs.
const (
	Docker Kind = "docker"
	CRI    Kind = "cri"
)

// Line is a line taken apart. Head, Text and Tail together are a line that says the same and is whole: who puts the Texts of pieces between
// the Head and the Tail of the first one has the line that was cut. All are parts of the line, but the Head of a CRI line with More.
type Line struct {
	Head, Text, Tail []byte // Text is JSON's inside of a string in a Docker line
	Stream           string // stdout or stderr
	Time             []byte // RFC 3339
	Attrs            []byte // the JSON of a Docker line's attrs; nil: it has none
	More             bool   // another piece follows
}

// Cut takes a line apart. It is false for what is no line of the kind.
func (k Kind) Cut(line []byte) (Line, bool) {
	if k == Docker {
		return cutDocker(line)
	}
	return cutCRI(line)
}

// cutCRI reads time, stream, tags with colons between, of which the first is P or F, and the rest.
func cutCRI(line []byte) (l Line, ok bool) {
	at, rest, _ := bytes.Cut(line, []byte(" "))
	stream, rest, _ := bytes.Cut(rest, []byte(" "))
	tags, text, _ := bytes.Cut(rest, []byte(" "))
	tag, _, _ := bytes.Cut(tags, []byte(":"))
	if l.Stream, ok = streamOf(stream); !ok || !isTime(at) || len(tag) != 1 || tag[0] != 'P' && tag[0] != 'F' {
		return Line{}, false
	}
	l.Time, l.Text, l.More = at, text, tag[0] == 'P'
	l.Head = line[:len(line)-len(text)]
	if l.More {
		l.Head = bytes.Clone(l.Head)
		l.Head[len(at)+1+len(stream)+1] = 'F'
	}
	return l, true
}

// cutDocker reads an object of log, stream, time and attrs.
func cutDocker(line []byte) (l Line, ok bool) {
	var log, stream, at []byte
	odd := false
	err := ejson.Members(line, func(key, value []byte) error {
		switch string(key) {
		case "log":
			log = value
		case "stream":
			stream = value
		case "time":
			at = value
		case "attrs":
			l.Attrs = value
		default:
			odd = true
		}
		return nil
	})
	if err != nil || odd || !isString(log) || !isString(stream) || !isString(at) {
		return Line{}, false
	}
	at, text := at[1:len(at)-1], log[1:len(log)-1]
	if l.Stream, ok = streamOf(stream[1 : len(stream)-1]); !ok || !isTime(at) {
		return Line{}, false
	}
	start := cap(line) - cap(log) + 1 // log is a part of line
	l.Time, l.Text = at, text
	if l.More = !endsLine(text); !l.More {
		l.Text = text[:len(text)-2]
	}
	l.Head, l.Tail = line[:start], line[start+len(l.Text):]
	if l.More {
		l.Tail = append([]byte(`\n`), l.Tail...)
	}
	return l, true
}

// endsLine tells whether the inside of a JSON string ends with an escaped line feed, and not with a backslash and an n.
func endsLine(text []byte) bool {
	rest, ok := bytes.CutSuffix(text, []byte(`\n`))
	return ok && (len(rest)-len(bytes.TrimRight(rest, `\`)))%2 == 0
}

func isString(value []byte) bool { return len(value) >= 2 && value[0] == '"' }

func streamOf(name []byte) (string, bool) {
	switch string(name) {
	case "stdout":
		return "stdout", true
	case "stderr":
		return "stderr", true
	}
	return "", false
}

func isTime(text []byte) bool {
	if len(text) > len("2006-01-02T15:04:05.999999999+00:00") {
		return false
	}
	_, err := time.Parse(time.RFC3339Nano, string(text))
	return err == nil
}

// message appends what the program said.
func (k Kind) message(dst []byte, l Line) []byte {
	if k == CRI || bytes.IndexByte(l.Text, '\\') < 0 {
		return append(dst, l.Text...)
	}
	var text string
	quoted := append(append([]byte{'"'}, l.Text...), '"')
	if json.Unmarshal(quoted, &text) != nil {
		return append(dst, l.Text...) // it was checked
	}
	return append(dst, text...)
}
