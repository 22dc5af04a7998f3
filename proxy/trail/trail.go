// Package trail writes down who did what at a door that was no plain write: docs in the database store.TrailDB.
//
// Words: a deed is what a known caller did, told one by one; a try is what anybody may do without being let in (a failed login, a
// refused request), counted. A doc of the trail says when, what (event), from which address (ip), who, on what, with
// which status, and how often (count).
//
// Invariants:
//   - No secret is in it: no password, no token's text, no query, no body. A name that was tried at a failed login is told only
//     if it has been let in before: people type passwords into the wrong field.
//   - It is bounded, whatever strangers do: of tries ten docs at most are written in each window of time, the nine most frequent
//     and one for all the rest; of deeds at most one a second in the long run, the rest counted; all in a queue of
//     fixed length. What is lost for want of room is counted, and told.
//   - Nobody waits for it. It is written soon after, all of it when the trail is closed; a crash loses the last moments.
package trail

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"logctl/store"
)

// Event is a deed or a try.
type Event struct {
	What   string // design, login, login_failed, refused, …
	Who    string // the account, token or certificate; "" is a stranger
	From   string // address
	DB     string // database
	On     string // what in it, or whom: a document, an account
	Status int    // of the answer
	Reason string // CouchDB's error word
}

// shorten cuts the texts to what a doc holds, in memory of their own, since an event is kept until it is told and what it was cut
// out of, a path, is long.
func (e *Event) shorten() {
	for _, text := range []*string{&e.Who, &e.From, &e.DB, &e.On, &e.Reason} {
		if len(*text) > maxText {
			*text = strings.ToValidUTF8((*text)[:maxText], "") + "…"
		} else {
			*text = strings.Clone(*text)
		}
	}
}

// Options of a Trail. Write is the one that has no default.
type Options struct {
	// Write stores docs, each a JSON object. After an error they are given again, later.
	Write func(ctx context.Context, docs [][]byte) error
	Log   *slog.Logger // nil: nothing is logged

	Soon   time.Duration // until deeds are written; 0: a second
	Window time.Duration // over which tries are counted; 0: five minutes
}

// Limits.
const (
	defaultSoon   = time.Second
	defaultWindow = 5 * time.Minute

	maxQueue   = 1000 // docs that wait to be written
	maxTries   = 2000 // kinds of tries that are counted in a window
	windowDocs = 10   // docs of tries in a window
	maxNames   = 1000 // names that are remembered as let in
	deedBurst  = 200  // deeds at once
	maxText    = 200  // bytes of a text in a doc
	writeTime  = 10 * time.Second
	v6Bits     = 64 // of an address that are told apart: one machine has all the rest
)

// Trail takes events. It is safe for concurrent use. A nil one takes none.
type Trail struct {
	o    Options
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	mu     sync.Mutex
	names  map[string]bool // let in since the start
	deeds  int             // that may still be told one by one
	filled time.Time       // when deeds was last added to
	queue  [][]byte
	lost   int
	tries  map[Event]*tally
	warned bool // that nothing could be written
}

// tally is how often a try came.
type tally struct {
	n           int
	order       int // among those of its window
	first, last time.Time
}

// New starts a trail; Close ends it.
func New(o Options) *Trail {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Soon == 0 {
		o.Soon = defaultSoon
	}
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	t := &Trail{o: o, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		names: map[string]bool{}, deeds: deedBurst, filled: time.Now(), tries: map[Event]*tally{}}
	go t.run()
	return t
}

// Met remembers a name as one that has been let in.
func (t *Trail) Met(name string) {
	if t == nil || name == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.names) < maxNames {
		t.names[name] = true
	}
}

// Deed tells what a known caller did.
func (t *Trail) Deed(e Event) {
	if t == nil {
		return
	}
	e.shorten()
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := int(now.Sub(t.filled) / time.Second); n > 0 {
		t.deeds = min(deedBurst, t.deeds+n)
		t.filled = t.filled.Add(time.Duration(n) * time.Second)
	}
	if t.deeds == 0 {
		t.count(e, now)
		return
	}
	t.deeds--
	t.put(appendDoc(nil, e, tally{n: 1, first: now, last: now}))
	t.poke()
}

// LoginFailed is the What of a login that failed.
const LoginFailed = "login_failed"

// Try counts what was not done. The name of a failed login is kept only if it has been let in before.
func (t *Trail) Try(e Event) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.What == LoginFailed && !t.names[e.Who] {
		e.Who = ""
	}
	e.shorten()
	t.count(e, time.Now())
}

// count counts an event; the caller holds mu.
func (t *Trail) count(e Event, now time.Time) {
	e.From = network(e.From)
	c := t.tries[e]
	if c == nil && len(t.tries) >= maxTries {
		e = Event{What: e.What, Reason: e.Reason} // of which there are few
		c = t.tries[e]
	}
	if c == nil {
		c = &tally{first: now, order: len(t.tries)}
		t.tries[e] = c
		if len(t.tries) == 1 {
			t.poke()
		}
	}
	c.n++
	c.last = now
}

// network is an address as tries are told apart by.
func network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Is4() || a.Is4In6() {
		return address
	}
	p, err := a.WithZone("").Prefix(v6Bits)
	if err != nil {
		return address
	}
	return p.Addr().String()
}

// put queues a doc; the caller holds mu.
func (t *Trail) put(doc []byte) {
	if len(t.queue) >= maxQueue {
		t.lost++
		return
	}
	t.queue = append(t.queue, doc)
}

func (t *Trail) poke() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Close writes all that is left and ends the trail.
func (t *Trail) Close() error {
	if t == nil {
		return nil
	}
	close(t.stop)
	<-t.done
	return nil
}

func (t *Trail) run() {
	defer close(t.done)
	soon, window := newTimer(), newTimer()
	for {
		select {
		case <-t.wake:
			t.mu.Lock()
			waiting, tries := len(t.queue) > 0, len(t.tries) > 0
			t.mu.Unlock()
			if waiting {
				soon.start(t.o.Soon)
			}
			if tries {
				window.start(t.o.Window)
			}
		case <-soon.c():
			soon.ended()
			if !t.write() {
				soon.start(writeTime)
			}
		case <-window.c():
			window.ended()
			t.closeWindow()
			if !t.write() {
				soon.start(writeTime)
			}
		case <-t.stop:
			t.closeWindow()
			t.write()
			return
		}
	}
}

// timer is a timer that is started once until it has ended.
type timer struct {
	t  *time.Timer
	on bool
}

func newTimer() *timer { return &timer{} }

func (t *timer) start(d time.Duration) {
	if t.on {
		return
	}
	t.on = true
	if t.t == nil {
		t.t = time.NewTimer(d)
		return
	}
	t.t.Reset(d)
}

func (t *timer) c() <-chan time.Time {
	if t.t == nil {
		return nil
	}
	return t.t.C
}

func (t *timer) ended() { t.on = false }

// closeWindow makes docs of what was counted: of the most frequent tries one each, of all others one for each kind, as far as
// there is room.
func (t *Trail) closeWindow() {
	t.mu.Lock()
	defer t.mu.Unlock()
	type tried struct {
		e Event
		tally
	}
	list := make([]tried, 0, len(t.tries))
	for e, c := range t.tries {
		list = append(list, tried{e, *c})
	}
	clear(t.tries)
	slices.SortFunc(list, func(a, b tried) int {
		if a.n != b.n {
			return b.n - a.n
		}
		return a.order - b.order
	})
	rest := tried{e: Event{What: "others"}}
	for i, c := range list {
		if i < windowDocs-1 || len(list) == windowDocs {
			t.put(appendDoc(nil, c.e, c.tally))
			continue
		}
		if rest.n == 0 || c.first.Before(rest.first) {
			rest.first = c.first
		}
		if c.last.After(rest.last) {
			rest.last = c.last
		}
		rest.n += c.n
	}
	if rest.n > 0 {
		t.put(appendDoc(nil, rest.e, rest.tally))
	}
}

// write writes the queue and tells whether that went well.
func (t *Trail) write() bool {
	t.mu.Lock()
	waiting, lost := t.queue, t.lost
	t.queue, t.lost = nil, 0
	t.mu.Unlock()
	docs := slices.Clip(waiting)
	if lost > 0 {
		now := time.Now()
		docs = append(docs, appendDoc(nil, Event{What: "lost"}, tally{n: lost, first: now, last: now}))
	}
	if len(docs) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), writeTime)
	defer cancel()
	err := t.o.Write(ctx, docs)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.warned = false
		return true
	}
	if !t.warned {
		t.o.Log.Warn("audit trail not written", "docs", len(docs), "err", err)
		t.warned = true
	}
	t.queue = append(waiting, t.queue...)
	over := max(0, len(t.queue)-maxQueue)
	t.queue = t.queue[:len(t.queue)-over]
	t.lost += lost + over
	return false
}

// appendDoc appends the doc of an event. Its id begins with the time, as those of lines do.
func appendDoc(dst []byte, e Event, c tally) []byte {
	now := c.first
	id := strings.Replace(now.Format("20060102150405.000"), ".", "", 1) + "-" + strings.ToLower(rand.Text()[:16])
	dst = store.AppendJSONString(append(dst, `{"_id":`...), id)
	text := func(name, value string) {
		if value == "" {
			return
		}
		dst = append(append(append(dst, ',', '"'), name...), '"', ':')
		dst = store.AppendJSONString(dst, value)
	}
	text("date", now.Format(time.DateOnly))
	text("hour", now.Format("15:04:05,000"))
	text("process", "logctl")
	text("event", e.What)
	if e.What == LoginFailed {
		text("outcome", "failure")
	}
	text("ip", e.From)
	text("who", e.Who)
	text("db", e.DB)
	text("on", e.On)
	number := func(name string, n int) {
		if n > 0 {
			dst = append(append(append(dst, ',', '"'), name...), '"', ':')
			dst = strconv.AppendInt(dst, int64(n), 10)
		}
	}
	number("status", e.Status)
	text("reason", e.Reason)
	number("count", c.n)
	if c.n > 1 {
		text("until", c.last.Format("2006-01-02 15:04:05"))
	}
	return append(dst, '}')
}
