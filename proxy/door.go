package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"logctl/proxy/tenants"
	"logctl/proxy/trail"
	"logctl/store"
	"logctl/store/intake"
)

// Options of a Door. Upstream is the one that has no default.
type Options struct {
	// Upstream answers CouchDB's API: the embedded store's handler, or NewCouchDB's for one elsewhere. If it is a docWriter, too,
	// strangers' docs go that way.
	Upstream http.Handler

	// AsWriter turns a request that the door made out of a stranger's write into the writer's: in process by store.WithCaller, for
	// a CouchDB by BasicWriter. It may change the request and return it. nil: the request stays a stranger's.
	AsWriter func(*http.Request) *http.Request

	// Writer is the account that AsWriter signs in as. Nobody else gets to try its password through the door: a store that
	// locks an account after wrong ones would lock the door's own.
	Writer string

	// Extend adds members to the stranger's doc in buf[start:], in stored form; nil: nothing is added.
	Extend func(buf []byte, start int) []byte

	// Trail has the door write into the database store.TrailDB who did what; Close it then. MakeTrail makes the database where it is
	// missing; nil: somebody else does.
	Trail     bool
	MakeTrail func(context.Context) error

	Log     *slog.Logger     // nil: nothing is logged
	Clients *tenants.Clients // what client certificates are for; nil: nothing, and no tenant owns anything
	Trusted []netip.Prefix   // proxies whose X-Forwarded headers are believed; nil: none's

	Limits Limits
}

// Door is the http.Handler that decides who may do what. It is safe for concurrent use.
type Door struct {
	o        Options
	direct   docWriter // Upstream, if it takes docs without a request; nil: it does not
	budget   *intake.Budget[client]
	rates    *rates
	small    *turns // at the store, of writes of few docs
	large    *turns // and of many
	received *turns // see Receive
	usual    usual
	conns    conns
	sessions *sessions
	attempts *attempts
	counters Counters
	quiet    quiet // keeps one trouble from filling the log
	trail    *trail.Trail
	more     func(dst []byte) []byte // see ShowAlso
}

// New makes a Door.
func New(o Options) *Door {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.AsWriter == nil {
		o.AsWriter = func(r *http.Request) *http.Request { return r }
	}
	o.Limits = o.Limits.orDefault()
	d := &Door{o: o, sessions: newSessions(), attempts: newAttempts(),
		received: newTurns(receivedAtOnce, linePerClient, lineInAll, turnPatience),
		budget:   intake.NewBudget[client](o.Limits.Memory, o.Limits.Memory-o.Limits.Memory/5, errLimited("Too much at once. Try again.", 0)), rates: newRates(o.Limits.Requests, o.Limits.Bytes)}
	d.conns.of = map[client]int64{}
	d.usual.nap = nap
	d.quiet.every = time.Minute
	d.direct, _ = o.Upstream.(docWriter)
	d.small, d.large = newStoreTurns(d.direct != nil)
	if o.Trail {
		d.trail = trail.New(trail.Options{Write: d.writeTrail, Log: o.Log})
		if o.Clients != nil {
			o.Clients.OnChange(func(what string) { d.trail.Deed(trail.Event{What: "rules", On: what}) })
		}
	}
	return d
}

// Close ends the audit trail, after it is written. The door must not be used any more.
func (d *Door) Close() error { return d.trail.Close() }

// ShowAlso has /metrics show what appendMetrics appends, in the text format of Prometheus, too. It is called before the door serves anybody.
func (d *Door) ShowAlso(appendMetrics func(dst []byte) []byte) { d.more = appendMetrics }

// Counters are what the door has counted since it was made.
func (d *Door) Counters() *Counters { return &d.counters }

// visit is one request at the door. It belongs to one goroutine.
type visit struct {
	w      http.ResponseWriter
	r      *http.Request
	conn   *http.ResponseController
	caller caller
	who    who // what kind of caller, towards the target
	to     target
	rule   *rule  // what allows the request
	client string // the address that the request comes from
	payer  client // whose limits it counts against
	https  bool   // the client uses TLS
}

// answerTime is how long a client may take to read an answer of the door's own, or a part of a file.
const answerTime = time.Minute

// Deadlines below are those of the connection. Not every answer goes over one, so errors in setting them do not count.

// hurry bounds how long the server waits for a body that nobody reads.
func (v *visit) hurry() {
	if v.r.Body != nil && v.r.Body != http.NoBody {
		_ = v.conn.SetReadDeadline(time.Now().Add(bodyGrace))
	}
}

// answering bounds how long the client may take from now on.
func (v *visit) answering() { _ = v.conn.SetWriteDeadline(time.Now().Add(answerTime)) }

// atLeisure takes away what an earlier request has left on the connection: a feed has no end.
func (v *visit) atLeisure() { _ = v.conn.SetWriteDeadline(time.Time{}) }

// visit begins one, where it comes from.
func (d *Door) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{w: w, r: r, conn: http.NewResponseController(w)}
	v.client, v.https = d.origin(r)
	if v.payer = payerOf(v.client); bySocket(r) {
		v.payer = owner
	}
	return v
}

// ServeHTTP answers one request.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := d.visit(w, r)
	if err := d.serve(v); err != nil {
		d.fail(v, err)
	}
}

// serve finds out who comes, looks up what they may do, and does it.
func (d *Door) serve(v *visit) error {
	v.atLeisure()
	if err := d.mayCome(v); err != nil {
		return err
	}
	answered, err := d.identify(v)
	if err != nil || answered {
		return err
	}
	if v.caller.grant != nil {
		v.payer = client{name: v.caller.name}
		if err := d.mayCome(v); err != nil {
			return err
		}
	}
	var spelling error
	v.to, spelling = parseTarget(v.r)
	v.who = d.standing(&v.caller, &v.to)
	byStore := v.who&(account|admin) != 0
	if v.who&(account|reader|analyst|admin) != 0 {
		v.to.findRoutes(v.r.URL.EscapedPath())
	} else {
		v.hurry()
	}
	if narrowed := v.caller.narrowed(); !byStore || narrowed {
		if spelling != nil {
			return spelling
		}
		if narrowed && v.to.plus && v.to.isApp {
			return errSpelling
		}
		if v.overridesMethod() {
			return v.refusal()
		}
	}
	if v.rule = judge(v); v.rule == nil {
		v.hurry()
		return v.refusal()
	}
	if what, on := deedOf(v); what != "" {
		return d.tellDeed(v, what, on)
	}
	if bringsDocs(v) {
		return d.tellStored(v)
	}
	return v.rule.do(d, v)
}

// mayCome counts the visit as a request of its payer's, who may have had too many.
func (d *Door) mayCome(v *visit) error {
	if v.payer == owner {
		return nil
	}
	err := d.rates.request(v.payer, time.Now())
	if err != nil {
		v.hurry()
	}
	return err
}

func (v *visit) overridesMethod() bool {
	for _, h := range overrides {
		if _, ok := v.r.Header[h]; ok {
			return true
		}
	}
	return false
}

// pass hands a signed-in caller's request on.
func (d *Door) pass(v *visit) error {
	if err := v.ofThisSite(); err != nil {
		return err
	}
	d.counters.Passed.Add(1)
	r := d.forwarded(v)
	if isWatched(v.r) {
		ctx, stop := d.watch(v)
		defer stop()
		r = r.WithContext(ctx)
	}
	d.hand(v, r)
	return nil
}

// errNoApp is CouchDB's answer where there is no such database, also where there can't be one.
var errNoApp = store.NewError(store.KindNotFound, "Database does not exist.")
