package lines

import (
	"bytes"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"logctl/format/syslog"
	"logctl/store"
	"logctl/store/ejson"
)

// maker makes docs of messages. It belongs to one goroutine at a time.
type maker struct {
	*shop
	*formats
	base []byte // a doc by the preset syslog
	body []byte
	out  []byte
	id   []byte
}

// shop is what makers share.
type shop struct {
	table    *Table
	extend   func(buf []byte, start int) []byte // adds members that make no other doc of it; nil: none
	counters *Counters
	clock    clock
	compiled *compiled
	makers   sync.Pool
}

func (s *shop) take() *maker {
	if m, ok := s.makers.Get().(*maker); ok {
		return m
	}
	return &maker{shop: s, formats: s.compiled.formats()}
}

func (s *shop) give(m *maker) { s.makers.Put(m) }

// clock gives times that never come twice. Its steps are microseconds.
type clock struct{ last atomic.Int64 }

func (c *clock) now() time.Time {
	for {
		last := c.last.Load()
		now := max(time.Now().UnixMicro(), last+1)
		if c.last.CompareAndSwap(last, now) {
			return time.UnixMicro(now)
		}
	}
}

// receivedLayout is how the member received stands.
const receivedLayout = "2006-01-02T15:04:05.000000Z07:00"

// from says who sent a message, for a reject.
func (o *origin) from() string { return o.input + " of " + o.peer }

// syslog makes a doc, or a reject, of a syslog message and tells where it belongs. Without a verdict of Skip there is one.
func (m *maker) syslog(message []byte, cut bool, o *origin) (store.DBName, item, Verdict) {
	received := m.clock.now()
	h, known := syslog.Parse(message, received)
	o.host, o.application = o.peer, ""
	if known {
		if len(h.Host) > 0 {
			o.host = string(h.Host)
		}
		if h.Tagged {
			o.application = string(h.Tag)
		}
	}
	route := m.table.find(o)
	app := m.table.app(route, o)
	verdict := Reject
	own := m.of(route)
	switch {
	case len(bytes.TrimSpace(message)) == 0:
		verdict = Skip
	case own != nil:
		verdict = m.ownFormat(own, len(m.table.Routes[route].Schema) > 0, message, h.Text, known)
	case known:
		m.body, verdict = m.formats.syslog.Append(m.body[:0], message)
	}
	if own == nil && verdict == Reject { // no header, or nothing but one: all of it is the message (RFC 3164, 4.3.3)
		m.body = append(appendText(append(m.body[:0], '{'), memberMessage, message), '}')
		verdict = Doc
	}
	return m.finish(app, message, cut, verdict, own, o, received)
}

// ownFormat makes m.body by a route's Formatter. A schema is for a message's text, a preset for whole lines of syslog's or, where it does not
// fit them, for the text. What the message's header says is added to what the text alone makes.
func (m *maker) ownFormat(own Formatter, schema bool, message, text []byte, known bool) (verdict Verdict) {
	if !schema || !known {
		if m.body, verdict = own.Append(m.body[:0], message); verdict != Reject || !known {
			return verdict
		}
	}
	if m.body, verdict = own.Append(m.body[:0], text); verdict != Doc {
		return verdict
	}
	if m.base, verdict = m.formats.syslog.Append(m.base[:0], message); verdict != Doc {
		return Doc
	}
	m.out = append(m.out[:0], '{')
	m.out = appendWithout(m.out, m.base, func(key []byte) bool { return !isHeader(key) || hasMember(m.body, string(key)) })
	m.out = append(appendWithout(m.out, m.body, func([]byte) bool { return false }), '}')
	m.body, m.out = m.out, m.body
	return Doc
}

// isHeader tells the members that the preset syslog makes of a message's header.
func isHeader(key []byte) bool {
	switch string(key) {
	case memberTime, memberHost, "application", "module", "pid", "facility", "level", "id", "data", "repeated":
		return true
	}
	return false
}

// line makes a doc, or a reject, of a plain line.
func (m *maker) line(line []byte, cut bool, o *origin) (store.DBName, item, Verdict) {
	received := m.clock.now()
	o.host = o.peer
	route := m.table.find(o)
	app := m.table.app(route, o)
	own, verdict := m.of(route), Doc
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		verdict = Skip
	case own != nil:
		m.body, verdict = own.Append(m.body[:0], line)
	default:
		m.body = append(appendText(append(m.body[:0], '{'), memberMessage, line), '}')
	}
	return m.finish(app, line, cut, verdict, own, o, received)
}

// finish completes the doc in m.body by what is known of its way, and gives it an id.
func (m *maker) finish(app string, message []byte, cut bool, verdict Verdict, own Formatter, o *origin, received time.Time) (store.DBName, item, Verdict) {
	m.counters.Messages.Add(1)
	if cut {
		m.counters.Cut.Add(1)
	}
	db, err := store.AppDB(app)
	if err != nil { // never: tables are checked
		return "", item{}, Skip
	}
	keep := reject{line: bytes.Clone(message), machine: o.machine(), cut: cut, from: o.from(), received: received}
	switch verdict {
	case Skip:
		m.counters.Skipped.Add(1)
		return "", item{}, Skip
	case Doc:
		n := look(m.body)
		if !n.special {
			m.complete(n, cut, o, received)
			return db, item{doc: m.doc(0, m.extend), reject: keep}, Doc
		}
		keep.reason, keep.detail = refused, "a member's name begins with an underscore; those names are the store's own"
	default:
		keep.reason, keep.detail = noFit, own.Reason(message)
	}
	m.counters.Rejected.Add(1)
	if db, err = store.RejectsDB(app); err != nil { // never: as above
		return "", item{}, Skip
	}
	return db, item{doc: keep.doc()}, Reject
}

// machine is whose messages they are: the name in the peer's certificate, what the messages say, or the peer's address.
func (o *origin) machine() string {
	if o.input == InputLines && o.commonName != "" {
		return o.commonName
	}
	return o.host
}

// complete adds to m.body the members that docs of inputs have. What a peer says of itself in their place is left out.
func (m *maker) complete(n names, cut bool, o *origin, received time.Time) {
	if n.ours {
		m.out = append(appendWithout(append(m.out[:0], '{'), m.body, func(key []byte) bool {
			return string(key) == memberPeer || string(key) == memberReceived
		}), '}')
		m.body, m.out = m.out, m.body
	}
	b := reopen(m.body)
	var stamp [48]byte
	if !n.time {
		b = appendText(b, memberTime, received.AppendFormat(stamp[:0], "2006-01-02T15:04:05.000Z07:00"))
	}
	if !n.host && o.input == InputSyslog {
		b = appendText(b, memberHost, o.host)
	}
	if !n.machine {
		b = appendText(b, memberMachine, o.machine())
	}
	b = appendText(b, memberPeer, o.peer)
	if cut && !n.cut {
		b = append(appendMember(b, memberCut), strconv.AppendBool(nil, true)...)
	}
	b = appendText(b, memberReceived, received.UTC().AppendFormat(stamp[:0], receivedLayout))
	m.body = append(b, '}')
}

// doc is the doc of m.body with its id, where n equal ones came before it. extend, where set, adds members after the id is made.
func (m *maker) doc(n uint32, extend func(buf []byte, start int) []byte) store.Doc {
	m.id = ejson.AppendContentID(m.id[:0], m.body, n)
	if extend != nil {
		m.body = extend(m.body, 0)
	}
	return store.Doc{ID: string(m.id), Body: bytes.Clone(m.body)}
}
