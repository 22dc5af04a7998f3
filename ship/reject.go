package ship

import (
	"strings"
	"time"

	"logctl/store/ejson"
)

// Why a line became no doc: the member "reason" of a reject.
const (
	NoFit   = ejson.NoFit
	TooLong = ejson.TooLong // longer than Options.MaxLine
	Refused = ejson.Refused
)

// origin is where a line was met.
type origin struct {
	file      string    // absolute; "" for the standard input
	number    string    // of its account
	reference time.Time // see Options.Format
}

// reject is a line that became no doc.
type reject struct {
	line   []byte // of one that is too long the beginning
	reason string
	detail string // a sentence, or ""
	from   *origin
}

// appendBody appends the reject as a doc.
func (r *reject) appendBody(dst []byte, machine string) []byte {
	kept := ejson.Reject{Line: r.line, Machine: machine, Cut: r.reason == TooLong, Reason: r.reason, Detail: r.detail,
		File: r.from.file, Time: r.from.reference}
	return kept.Append(dst)
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
