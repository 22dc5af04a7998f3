package lines

import (
	"strconv"
	"time"

	"logctl/store"
	"logctl/store/ejson"
)

// reject is a message that became no doc, and what makes its id another's than that of the same message received again.
type reject struct {
	line     []byte
	machine  string
	cut      bool
	reason   string // NoFit or refused, or
	detail   string
	from     string // the input and the peer
	received time.Time
	place    string // of an id that has to be found again; "": received makes it unique
}

const (
	noFit   = ejson.NoFit
	refused = ejson.Refused
)

// doc is the reject as a doc. Its id is that of its line with a time behind it: the store's own rule, which would take equal messages
// for one, is for files, that can be read again.
func (r *reject) doc() store.Doc {
	kept := ejson.Reject{Line: r.line, Machine: r.machine, Cut: r.cut, Reason: r.reason, Detail: r.detail, File: r.from, Time: r.received}
	body := kept.Append(nil)
	id := append(ejson.AppendRejectID(nil, body, 0), '-')
	if r.place != "" {
		id = append(id, r.place...)
	} else {
		id = strconv.AppendInt(id, r.received.UnixMicro(), 10)
	}
	return store.Doc{ID: string(id), Body: body}
}
