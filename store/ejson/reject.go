package ejson

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"logctl/store"
)

// Why a line became no doc: the member "reason" of a reject.
const (
	NoFit   = "no fit"   // nothing describes it
	TooLong = "too long" // longer than lines may be
	Refused = "refused"  // the server will never take its doc
)

// Reject is a line that became no doc. AppendRejectID draws its doc and tells how the id follows from it.
type Reject struct {
	Line    []byte
	Machine string // whose line it is, or ""
	Cut     bool   // the line went on
	Reason  string
	Detail  string    // a sentence, or ""
	File    string    // where it was met, or ""
	Time    time.Time // and when, or shortly before that
}

// maxRejectLine is how many bytes of a line are kept at most.
const maxRejectLine = 1 << 20

// Append appends the reject's doc, in stored form and without an id.
func (r *Reject) Append(dst []byte) []byte {
	line := r.Line[:min(len(r.Line), maxRejectLine)]
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
	add("machine", r.Machine)
	if r.Cut || len(line) < len(r.Line) {
		dst = append(dst, `,"cut":true`...)
	}
	add("reason", r.Reason)
	add("detail", r.Detail)
	add("file", r.File)
	add("time", r.Time.UTC().Format(time.RFC3339))
	return append(dst, '}')
}
