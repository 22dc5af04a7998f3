package replicate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// change is one entry of a changes feed.
type change struct {
	Seq     json.RawMessage `json:"seq"`
	ID      string          `json:"id"`
	Changes []struct {
		Rev string `json:"rev"`
	} `json:"changes"`
}

// page is some entries of a feed.
type page struct {
	Results []change        `json:"results"`
	LastSeq json.RawMessage `json:"last_seq"`
	Pending *int64          `json:"pending"` // what follows; nil: the source does not say
}

// feedParams are the parameters of a feed that are not a filter function's: with them a page would be another than what is asked
// for, and a checkpoint say of more than was copied that it was.
var feedParams = map[string]bool{
	"descending": true, "feed": true, "timeout": true, "heartbeat": true, "include_docs": true, "attachments": true, "conflicts": true,
	"doc_ids": true, "last-event-id": true, "view": true, "seq_interval": true, "filter": true,
}

// changes reads the page after since. With wait it waits for one that is not empty, until a minute or so has passed.
func (o *Options) changes(ctx context.Context, since json.RawMessage, wait bool) (page, error) {
	q := url.Values{}
	for k, v := range o.Params {
		if !feedParams[k] {
			q[k] = v
		}
	}
	q.Set("style", "all_docs")
	q.Set("limit", strconv.Itoa(o.Page))
	q.Set("since", seqText(since))
	if wait {
		q.Set("feed", "longpoll")
		q.Set("heartbeat", strconv.FormatInt(int64(heartbeat/time.Millisecond), 10))
	}
	r := request{method: http.MethodGet, path: "_changes", query: q}
	switch {
	case o.DocIDs != nil:
		q.Set("filter", "_doc_ids")
		r.method, r.body = http.MethodPost, jsonBody(map[string][]string{"doc_ids": o.DocIDs})
	case o.Selector != nil:
		q.Set("filter", "_selector")
		r.method, r.body = http.MethodPost, jsonBody(map[string]json.RawMessage{"selector": o.Selector})
	case o.Filter != "":
		q.Set("filter", o.Filter)
	}
	var p page
	err := o.Source.call(ctx, r, &p)
	return p, err
}

// seqText is a sequence as a query gives it: the text of a string, JSON of anything else.
func seqText(seq json.RawMessage) string {
	var s string
	if json.Unmarshal(seq, &s) == nil {
		return s
	}
	return strings.TrimSpace(string(seq))
}

// missing is what the target lacks of a doc.
type missing struct {
	Missing   []string `json:"missing"`
	Ancestors []string `json:"possible_ancestors"`
}

// missing asks the target which of a page's revisions it lacks.
func (o *Options) missing(ctx context.Context, changes []change) (found map[string]missing, checked int, err error) {
	asked := map[string][]string{}
	for i := range changes {
		c := &changes[i]
		for _, r := range c.Changes {
			asked[c.ID] = append(asked[c.ID], r.Rev)
			checked++
		}
	}
	if checked == 0 {
		return nil, 0, nil
	}
	err = o.Target.call(ctx, request{method: http.MethodPost, path: "_revs_diff", body: jsonBody(asked)}, &found)
	return found, checked, err
}
