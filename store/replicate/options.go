package replicate

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Options say what a replication copies from where to where. Peers have no defaults; of the other fields zero means what the
// comment says.
type Options struct {
	Source, Target Peer
	Continuous     bool       // go on with what will change, until ctx ends
	CreateTarget   bool       // make the target if it is missing
	TargetParams   url.Values // of making it

	// At most one of these chooses what is copied; none: everything.
	DocIDs   []string        // these docs
	Selector json.RawMessage // docs that match a Mango selector
	Filter   string          // those that pass a filter function of the source, "design/name"
	Params   url.Values      // what the filter function is given

	Since         json.RawMessage // where to begin, without a look at checkpoints
	NoCheckpoints bool
	Server        string // who replicates: part of the id

	Page     int                        // changes that are dealt with together; 0: 1000
	Every    time.Duration              // between checkpoints; 0: 5 s
	Progress func(run, all Stats)       // called after every page, with what this run has done and all have; nil: nobody wants to know
	Refused  func(id string, err error) // of a doc that the target does not take; nil: likewise
}

const (
	defaultPage  = 1000
	defaultEvery = 5 * time.Second
)

func (o *Options) fillIn() {
	if o.Page == 0 {
		o.Page = defaultPage
	}
	if o.Every == 0 {
		o.Every = defaultEvery
	}
	if o.Progress == nil {
		o.Progress = func(Stats, Stats) {}
	}
	if o.Refused == nil {
		o.Refused = func(string, error) {}
	}
	slices.Sort(o.DocIDs)
	o.DocIDs = slices.Compact(o.DocIDs)
}

// ID names the replication: the same for all runs that copy the same from and to the same. The code of a filter function is
// part of it; that is read from the source.
func (o *Options) ID(ctx context.Context) (string, error) {
	o.fillIn()
	parts := []any{o.Server, o.Source.URL, o.Source.identity(), o.Target.URL, o.Target.identity(),
		o.DocIDs, o.Selector, o.Filter, o.Params}
	if design, _, ok := strings.Cut(o.Filter, "/"); ok {
		var doc struct {
			Filters json.RawMessage `json:"filters"`
		}
		err := o.Source.call(ctx, request{method: http.MethodGet, path: docPath("_design/" + design)}, &doc)
		if err != nil {
			return "", err
		}
		parts = append(parts, doc.Filters)
	}
	raw, err := json.Marshal(parts)
	if err != nil {
		return "", err
	}
	sum := md5.Sum(raw)
	return hex.EncodeToString(sum[:]), nil
}

// identity is who the peer's requests come from, where the transport tells: two accounts may see different docs.
func (p *Peer) identity() string {
	if s, ok := p.Transport.(interface{ Account() string }); ok {
		return s.Account()
	}
	return ""
}
