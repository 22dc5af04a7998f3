package couchapi

import (
	"encoding/hex"
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
		allow:    "GET,POST,HEAD",
		accessOf: accessToAll,
		methods:  onBoth(changes),
	})
}

// feedOptions are the parameters of a changes feed.
type feedOptions struct {
	feed        string // "normal", "longpoll", "continuous" or "eventsource"
	since       uint64
	limit       int // below zero: none
	interval    int // every how manyth sequence is given
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
	var body map[string]json.RawMessage
	if x.r.Method == http.MethodPost && x.r.ContentLength == 0 {
		if err := x.needJSON(); err != nil {
			return err
		}
	} else if x.r.Method == http.MethodPost {
		b, err := x.readQuery()
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
	q := url.Values{}
	for name, given := range x.query() {
		q.Set(name, given[len(given)-1])
	}
	o := feedOptions{
		feed: "normal", limit: -1, interval: 1, timeout: defaultFeedTimeout,
		descending: x.flag("descending"), includeDocs: x.flag("include_docs"), conflicts: x.flag("conflicts"),
		atts:      attOptions{data: x.flag("attachments"), encoding: x.flag("att_encoding_info")},
		allLeaves: q.Get("style") == "all_docs",
	}
	switch f := q.Get("feed"); f {
	case "normal", "longpoll", "continuous", "eventsource":
		o.feed = f
	case "live":
		o.feed = "continuous"
	default:
		if q.Has("feed") {
			return o, errBadRequest("Supported `feed` types: normal, continuous, live, longpoll, eventsource")
		}
	}
	if style := q.Get("style"); q.Has("style") && style != "main_only" && style != "all_docs" {
		return o, errBadRequest("Supported `style` values: main_only, all_docs")
	}
	var err error
	if s := q.Get("limit"); q.Has("limit") && !strings.HasPrefix(s, "-") {
		if o.limit, err = viewopts.Positive(s); err != nil {
			return o, err
		}
	}
	if q.Has("seq_interval") {
		if o.interval, err = strconv.Atoi(q.Get("seq_interval")); err != nil || o.interval < 1 {
			return o, errBadRequest("invalid_seq_interval")
		}
	}
	if !o.descending { // CouchDB lists all changes backwards and takes no notice of since
		if o.since, err = x.parseSince(sinceOf(x, q)); err != nil {
			return o, err
		}
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
	for _, name := range []string{"last-event-id", "since"} {
		if q.Has(name) {
			return q.Get(name)
		}
	}
	return "0"
}

// parseSince reads an update sequence: "now", "0", or one that this server gave. One of a database that has since been deleted
// and made again says nothing about the new one: the feed starts at its beginning.
func (x *exchange) parseSince(s string) (uint64, error) {
	switch s {
	case "now":
		return x.db.UpdateSeq(), nil
	case "0":
		return 0, nil
	}
	if unquoted, ok := text([]byte(s)); ok {
		s = unquoted
	}
	num, instance, _ := strings.Cut(s, "-")
	n, err := strconv.ParseUint(num, 10, 64)
	if id, bad := hex.DecodeString(instance); err != nil || bad != nil || len(id) != len(x.db.Instance())/2 {
		return 0, errBadRequest("Malformed sequence supplied in 'since' parameter.")
	}
	if instance != x.db.Instance() {
		return 0, nil
	}
	return min(n, x.db.UpdateSeq()), nil
}

func (o *feedOptions) setTimes(q url.Values) error {
	switch s := q.Get("heartbeat"); {
	case !q.Has("heartbeat"):
	case s == "true":
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

// manyChanges is what CouchDB counts down from where there is no limit.
const manyChanges = 1_000_000_000_000_000

// writeChange writes one entry of a feed, with the leaves that the filter lets pass.
func (f *feed) writeChange(c *store.Change, leaves []store.Rev) error {
	dst := append(f.s.buf, `{"seq":`...)
	left := f.limit
	if left < 0 {
		left = manyChanges - f.sent
	}
	if left%f.o.interval == 0 {
		dst = appendSeq(dst, f.x.db, c.Seq)
	} else {
		dst = append(dst, "null"...)
	}
	dst = store.AppendJSONString(append(dst, `,"id":`...), c.Doc.ID)
	dst = append(dst, `,"changes":[`...)
	for i, rev := range leaves {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendRev(append(dst, `{"rev":`...), rev), '}')
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
			f.s.buf, err = fields.Append(f.x.ctx(), f.s.buf, d.append(nil))
		} else {
			err = d.write(f.s)
		}
		if err != nil {
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
