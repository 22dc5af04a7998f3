package ship

import (
	"encoding/base64"
	"strings"
	"time"
	"unicode/utf8"

	"logctl/store"
)

// Why a line became no doc: the member "reason" of a reject.
const (
	NoFit   = "no fit"   // nothing describes it
	TooLong = "too long" // longer than Options.MaxLine
	Refused = "refused"  // the server will never take its doc
)

// origin is where a line was met.
type origin struct {
	file      string    // absolute; "" for the standard input
	reference time.Time // see Options.Format
}

// reject is a line that became no doc.
type reject struct {
	line   []byte // of one that is too long the beginning
	reason string
	detail string // a sentence, or ""
	from   *origin
}

// maxRejectLine is how many bytes of a line a database of rejects gets at most.
const maxRejectLine = 1 << 20

// cut tells whether less of the line is kept than there was.
func (r *reject) cut() bool { return r.reason == TooLong || len(r.line) > maxRejectLine }

// appendBody appends the reject as a doc; ejson.AppendRejectID draws it.
func (r *reject) appendBody(dst []byte, machine string) []byte {
	line := r.line[:min(len(r.line), maxRejectLine)]
	if utf8.Valid(line) {
		dst = store.AppendJSONString(append(dst, `{"line":`...), line)
	} else {
		dst = append(dst, `{"line_base64":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, line), '"')
	}
	add := func(name, value string) {
		if value != "" {
			dst = append(append(append(dst, `,"`...), name...), `":`...)
			dst = store.AppendJSONString(dst, value)
		}
	}
	add("machine", machine)
	if r.cut() {
		dst = append(dst, `,"cut":true`...)
	}
	add("reason", r.reason)
	add("detail", r.detail)
	add("file", r.from.file)
	add("time", r.from.reference.UTC().Format(time.RFC3339))
	return append(dst, '}')
}

// keptReject is a reject as the database has it.
type keptReject struct {
	Rev        string  `json:"_rev"`
	Line       *string `json:"line"`
	LineBase64 []byte  `json:"line_base64"`
	Machine    string  `json:"machine"`
	Cut        bool    `json:"cut"`
	Reason     string  `json:"reason"`
	Detail     string  `json:"detail"`
	File       string  `json:"file"`
	Time       string  `json:"time"`
}

// isOne tells whether there is a line in it.
func (r *keptReject) isOne() bool { return r.Line != nil || r.LineBase64 != nil }

// text is the line.
func (r *keptReject) text() []byte {
	if r.Line != nil {
		return []byte(*r.Line)
	}
	return r.LineBase64
}

// reference is what Options.Format gets for the line; now where the reject doesn't say it.
func (r *keptReject) reference() time.Time {
	t, err := time.Parse(time.RFC3339, r.Time)
	if err != nil {
		return time.Now()
	}
	return t
}

// isPlainID tells whether a reject's id stands in JSON, and in a list, as it is. Those that ship and a server make do.
func isPlainID(id string) bool {
	return !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r == '"' || r == '\\' || r > '~' })
}
