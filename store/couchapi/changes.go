package couchapi

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/viewopts"
)

// defaultFeedTimeout is how long a feed without heartbeats waits for a change.
const defaultFeedTimeout = time.Minute

func (h *Handler) changesRoutes(rt *mux.Router) {
	h.inDB(rt, "/_changes", resource{
		allow:    "GET,HEAD,POST",
		accessOf: accessToAll,
		methods:  onBoth(changes),
	})
}

// feedOptions are the parameters of a changes feed.
type feedOptions struct {
	feed        string // "normal", "longpoll", "continuous" or "eventsource"
	since       uint64
	limit       int // below zero: none
	descending  bool
	includeDocs bool
	atts        attOptions
	conflicts   bool
	allLeaves   bool          // style=all_docs
	heartbeat   time.Duration // zero: none
	timeout     time.Duration
	filter      filter
}

// changes answers GET and POST /{db}/_changes.
func changes(x *exchange) error {
	body := map[string]json.RawMessage{}
	if x.r.Method == http.MethodPost && x.r.ContentLength == 0 {
		if err := x.needJSON(); err != nil {
			return err
		}
	} else if x.r.Method == http.MethodPost {
		b, err := x.readObject()
		if err != nil {
			return err
		}
		defer b.free()
		if body, err = members(b.bytes); err != nil {
			return err
		}
	}
	o, err := x.feedOptions(body)
	if err != nil {
		return err
	}
	if o.feed == "normal" && x.etag(strconv.FormatUint(x.db.UpdateSeq(), 10)+"-"+x.db.Instance()) {
		return nil
	}
	s := x.stream()
	defer s.free()
	f := &feed{x: x, s: s, o: o, last: o.since, limit: o.limit}
	return f.run()
}

func (x *exchange) feedOptions(body map[string]json.RawMessage) (feedOptions, error) {
	q := x.query()
	o := feedOptions{
		feed: "normal", limit: -1, timeout: defaultFeedTimeout,
		descending: x.flag("descending"), includeDocs: x.flag("include_docs"), conflicts: x.flag("conflicts"),
		atts:      attOptions{data: x.flag("attachments"), encoding: x.flag("att_encoding_info")},
		allLeaves: q.Get("style") == "all_docs",
	}
	switch f := q.Get("feed"); f {
	case "longpoll", "continuous", "eventsource":
		o.feed = f
	case "live":
		o.feed = "continuous"
	}
	var err error
	if s := q.Get("limit"); s != "" {
		if o.limit, err = viewopts.Positive(s); err != nil {
			return o, err
		}
	}
	if o.since, err = x.parseSince(sinceOf(x, q)); err != nil {
		return o, err
	}
	if err := o.setTimes(q); err != nil {
		return o, err
	}
	o.filter, err = x.parseFilter(q, body)
	return o, err
}

// sinceOf is where the client wants to begin: an EventSource that comes back says so in a header.
func sinceOf(x *exchange, q url.Values) string {
	if q.Get("feed") == "eventsource" {
		if id := x.r.Header.Get("Last-Event-ID"); id != "" {
			return id
		}
	}
	if id := q.Get("last-event-id"); id != "" {
		return id
	}
	return q.Get("since")
}

// parseSince reads an update sequence: "now", a number, or one that this server gave. One of a database that has since been
// deleted and made again says nothing about the new one: the feed starts at its beginning.
func (x *exchange) parseSince(s string) (uint64, error) {
	if unquoted, ok := text([]byte(s)); ok {
		s = unquoted
	}
	if s == "" {
		return 0, nil
	}
	if s == "now" {
		return x.db.UpdateSeq(), nil
	}
	num, instance, opaque := strings.Cut(s, "-")
	n, err := strconv.ParseUint(num, 10, 64)
	if err != nil {
		return 0, errBadRequest("Malformed sequence supplied in 'since' parameter.")
	}
	if opaque && instance != x.db.Instance() {
		return 0, nil
	}
	return min(n, x.db.UpdateSeq()), nil
}

func (o *feedOptions) setTimes(q url.Values) error {
	switch s := q.Get("heartbeat"); s {
	case "":
	case "true":
		o.heartbeat = defaultFeedTimeout
	default:
		d, ok := millis(s)
		if digits := strings.TrimPrefix(s, "-"); digits == "" || strings.Trim(digits, "0123456789") != "" {
			return errBadRequest("Invalid heartbeat value. Expecting a positive integer value (in milliseconds).")
		}
		if !ok || d == 0 {
			return errBadRequest("The heartbeat value should be a positive integer (in milliseconds).")
		}
		o.heartbeat = d
	}
	if s := q.Get("timeout"); s != "" {
		d, ok := millis(s)
		if !ok {
			return errQuery("Invalid value for integer: " + viewopts.Quoted(s))
		}
		o.timeout = d
	}
	return nil
}

// writeChange writes one entry of a feed.
func (f *feed) writeChange(c *store.Change) error {
	dst := appendSeq(append(f.s.buf, `{"seq":`...), f.x.db, c.Seq)
	dst = store.AppendJSONString(append(dst, `,"id":`...), c.Doc.ID)
	dst = append(appendRev(append(dst, `,"changes":[{"rev":`...), c.Doc.Rev), '}')
	if f.o.allLeaves {
		for _, l := range c.Conflicts {
			dst = append(appendRev(append(dst, `,{"rev":`...), l.Rev), '}')
		}
	}
	dst = append(dst, ']')
	if c.Doc.Deleted {
		dst = append(dst, `,"deleted":true`...)
	}
	if f.o.includeDocs {
		d, _, err := f.x.show(c.Doc, docOptions{conflicts: f.o.conflicts, atts: f.o.atts})
		if err != nil {
			return err
		}
		f.s.buf = append(dst, `,"doc":`...)
		if fields := f.o.filter.fields; fields != nil {
			f.s.buf = fields.Append(f.s.buf, d.append(nil))
		} else if err := d.write(f.s); err != nil {
			return err
		}
		dst = f.s.buf
	}
	f.s.buf = append(dst, '}')
	return nil
}

// pending is how many changes come after seq. In a database whose docs were each written once that is a difference of two
// numbers; otherwise they are counted.
func (x *exchange) pending(seq uint64) (uint64, error) {
	st := x.db.Stats()
	if st.DocCount+st.DelDocCount == st.UpdateSeq || seq >= st.UpdateSeq {
		return st.UpdateSeq - min(seq, st.UpdateSeq), nil
	}
	if seq == 0 {
		return st.DocCount + st.DelDocCount, nil
	}
	var n uint64
	err := x.db.Changes(x.ctx(), engine.ChangesOptions{Since: seq}, func(store.Change) bool { n++; return true })
	return n, err
}
