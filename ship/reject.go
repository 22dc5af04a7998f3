package ship

import (
	"encoding/base64"
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
