package store

import "encoding/json"

// Stale says how fresh a view's index must be: CouchDB's update parameter.
type Stale uint8

// UpdateTrue brings the index up to date first, UpdateFalse answers from what is there, UpdateLazy does the latter and
// starts an update behind it.
const (
	UpdateTrue Stale = iota
	UpdateFalse
	UpdateLazy
)

// ViewQuery asks a view for rows; fields are CouchDB's parameters. Keys are JSON text, nil where not given.
type ViewQuery struct {
	StartKey, EndKey     json.RawMessage
	StartDocID, EndDocID string // raw strings, they count only beside their key
	Keys                 []json.RawMessage
	Partition            string // of a view whose rows belong to partitions
	Descending           bool
	ExclusiveEnd         bool // inclusive_end=false
	Skip, Limit          int  // Limit < 0: no limit
	NoReduce             bool // reduce=false
	Reduce               bool // reduce=true asked for outright: an error where the view has no reduce
	Group                bool // group=true: exact keys
	GroupLevel           int  // 0: one row for all, unless Group
	GroupLevelGiven      bool
	IncludeDocs          bool
	Conflicts            bool
	Attachments          bool // with IncludeDocs: with the attachments in base64
	AttEncodingInfo      bool // and how they are stored
	Update               Stale
	UpdateSeq            bool
	Unsorted             bool // sorted=false
}

// NewViewQuery is the query without any parameter: every row, or one reduced row.
func NewViewQuery() ViewQuery { return ViewQuery{Limit: -1} }

// Row is one row of a view's answer. Key and Value are JSON text. A reduced row has no ID; an error row has Err.
type Row struct {
	ID    string
	Key   json.RawMessage
	Value json.RawMessage
	Doc   json.RawMessage // with IncludeDocs: the doc or null
	Err   string          // a row of keys that matches nothing: "not_found"
}
