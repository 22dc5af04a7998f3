// Package audit asks a door in front of a CouchDB, as any caller, for everything that CouchDB has to read or to change, in
// every spelling that some server on the way may understand differently, and tells what was let through. It knows CouchDB's
// API and nothing of the door: it works on logctl's, on an nginx, on a bare CouchDB.
//
// Words: a route is one thing to ask for (routes.go); a spelling is a way to ask for it (spelling.go); a probe is a route in a
// spelling, sent once; the canary is a doc that Run writes first, so that a leak is proven by what it shows.
//
// A probe asks for nothing that would hurt if it were let through: what it changes is a doc, a database or an account of its
// own with a random name, which it takes away again as far as it may, or a change that no server can carry out.
package audit

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Options say whom to ask and as whom.
type Options struct {
	URL *url.URL // http or https, the door's root
	DB  string   // a database that the caller may write to

	// Authorization is the header's value, "" for a stranger or for whom the client certificate in TLS stands.
	Authorization string

	As    Role // what the caller may do; "": Stranger
	Plant bool // write a canary first, as the caller or, where that is refused, as a stranger

	TLS     *tls.Config   // of the client; nil: the system's
	Timeout time.Duration // of one probe; 0: 5 s
}

// Role is what a caller may do. All else that it is let do counts as a leak.
type Role string

// The roles. Beyond what they say, everybody may ask what a page to sign in needs.
const (
	Stranger Role = "stranger" // writes docs to DB
	Writer   Role = "writer"   // the same, and is known
	Outsider Role = "outsider" // is known, and may neither read nor write DB
	Reader   Role = "reader"   // reads DB
	Analyst  Role = "analyst"  // reads DB and changes what is in it, but for permissions, settings and purging
)

// Roles are all of them.
var Roles = []Role{Stranger, Writer, Outsider, Reader, Analyst}

// may tells whether a role may have a route's answer.
func (r Role) may(what *route) bool {
	switch what.kind {
	case open:
		return true
	case writes:
		return r != Outsider
	case reads, notes:
		return r == Reader || r == Analyst
	case changes:
		return r == Analyst && what.ofDocs()
	}
	return false
}

// Verdict is what became of a probe, from harmless to bad.
type Verdict string

// The verdicts.
const (
	Refused Verdict = "refused" // or not understood
	Silent  Verdict = "silent"  // no answer at all
	Allowed Verdict = "allowed" // let through, as it should be
	Tells   Verdict = "tells"   // more than a stranger needs to know, such as the server's version
	Through Verdict = "through" // let through
	Leaked  Verdict = "leaked"  // the canary was in the answer
)

// order sorts verdicts, the worst last.
var order = []Verdict{Refused, Silent, Allowed, Tells, Through, Leaked}

// Worse tells whether v is worse than w.
func (v Verdict) Worse(w Verdict) bool { return slices.Index(order, v) > slices.Index(order, w) }

// Leak tells whether the verdict is one that a door must not get.
func (v Verdict) Leak() bool { return v == Through || v == Leaked }

// Finding is one probe with what came back.
type Finding struct {
	Method   string  `json:"method"`
	Path     string  `json:"path"`     // as the route has it: {db}, {doc}
	What     string  `json:"what"`     // what the route is for
	Spelling string  `json:"spelling"` // "plain", …
	Status   int     `json:"status"`   // 0: no answer
	Verdict  Verdict `json:"verdict"`
	Detail   string  `json:"detail,omitempty"`
}

// Report is all that was found.
type Report struct {
	Planted  bool      `json:"planted"` // the canary is there
	Findings []Finding `json:"findings"`
}

// Wrote tells whether a doc came through to the database, as those of writers do where there is such a database.
func (r *Report) Wrote() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Method == "POST" && f.Path == "/{db}" && f.What == "write a doc" && f.Status/100 == 2
	})
}

// Leaks counts the findings that a door must not have.
func (r *Report) Leaks() (n int) {
	for _, f := range r.Findings {
		if f.Verdict.Leak() {
			n++
		}
	}
	return n
}

const (
	defaultTimeout = 5 * time.Second
	workers        = 4
)

// auditor is one run.
type auditor struct {
	o      Options
	wire   wire
	nonce  string // in all names of this run
	canary string // the text to look for in answers
	doc    string // the canary's id
	rev    string // its revision, if the answer told
}

// Run sends all probes. The error is about the door not answering at all, or taking no canary.
func Run(ctx context.Context, o Options) (*Report, error) {
	o.Timeout, o.As = cmp.Or(o.Timeout, defaultTimeout), cmp.Or(o.As, Stranger)
	nonce := strings.ToLower(rand.Text()[:12])
	a := &auditor{o: o, nonce: nonce, canary: "canary-" + strings.ToLower(rand.Text()), doc: "audit-" + nonce, rev: "1-" + strings.Repeat("0", 32)}
	a.wire = wire{base: o.URL, tls: o.TLS, timeout: o.Timeout}
	if _, err := a.wire.send(ctx, request{method: http.MethodGet, target: a.wire.path("/")}); err != nil {
		return nil, fmt.Errorf("ask %s: %w", o.URL.Redacted(), err)
	}
	report := &Report{}
	if o.Plant {
		if err := a.plant(ctx); err != nil {
			return nil, err
		}
		report.Planted = true
	}
	report.Findings = a.probeAll(ctx)
	report.Findings = append(report.Findings, a.ids(ctx), a.smuggle(ctx))
	return report, ctx.Err()
}

// plant writes the canary: a doc that views of addresses and times may have rows of, and that says of itself that it is none of what
// such views count.
func (a *auditor) plant(ctx context.Context) error {
	body := fmt.Sprintf(`{"audit":true,"canary":%q,"date":"2000-01-01","hour":"00:00:00","ip":"192.0.2.1","event":"audit"}`, a.canary)
	r := a.request(http.MethodPost, a.wire.path("/"+url.PathEscape(a.o.DB)), body)
	got, err := a.wire.send(ctx, r)
	if err == nil && got.status == http.StatusForbidden {
		r.header = slices.DeleteFunc(r.header, func(line string) bool { return strings.HasPrefix(line, "Authorization:") })
		stranger := a.wire
		stranger.tls = withoutCertificate(a.o.TLS)
		got, err = stranger.send(ctx, r)
	}
	if err != nil {
		return fmt.Errorf("plant a canary: %w", err)
	}
	if got.status != http.StatusCreated && got.status != http.StatusAccepted {
		return fmt.Errorf("plant a canary: the answer to a doc for %s is %d: %s", a.o.DB, got.status, firstLine(got.body))
	}
	var answer struct{ ID, Rev string }
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || answer.ID == "" {
		return errors.New("plant a canary: the answer tells no id")
	}
	a.doc, a.rev = answer.ID, cmp.Or(answer.Rev, a.rev)
	return nil
}

// request is one of the caller's, with a body of JSON if there is any.
func (a *auditor) request(method, target, body string) request {
	r := request{method: method, target: target, body: body}
	if a.o.Authorization != "" {
		r.header = append(r.header, "Authorization: "+a.o.Authorization)
	}
	if body != "" {
		r.header = append(r.header, "Content-Type: application/json")
	}
	return r
}

// probe is a route in a spelling.
type probe struct {
	route    *route
	spelling spelling
}

func (a *auditor) probeAll(ctx context.Context) []Finding {
	var probes []probe
	for i := range routes {
		for _, s := range spellings {
			if s.fits(&routes[i], a) {
				probes = append(probes, probe{&routes[i], s})
			}
		}
	}
	findings := make([]Finding, len(probes))
	next := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				findings[i] = a.try(ctx, probes[i])
			}
		})
	}
	for i := range probes {
		next <- i
	}
	close(next)
	wg.Wait()
	return findings
}

// try sends one probe and judges the answer.
func (a *auditor) try(ctx context.Context, p probe) Finding {
	f := Finding{Method: p.route.method, Path: p.route.path, What: p.route.what, Spelling: p.spelling.name}
	got, err := p.spelling.send(ctx, a, p.route, "")
	if err != nil {
		f.Verdict, f.Detail = Silent, err.Error()
		return f
	}
	f.Status = got.status
	f.Verdict, f.Detail = a.judge(p.route, p.spelling.name == plain, got)
	if f.Verdict == Through && p.route.undo != nil {
		var made struct{ Rev string }
		_ = json.Unmarshal([]byte(got.body), &made) // an answer without a revision is for what has none
		_, _ = p.spelling.send(ctx, a, p.route.undo, made.Rev)
	}
	return f
}

// judge tells what an answer means. plain says that the request was in its usual form, so that an answer about its content can
// only come from the store.
func (a *auditor) judge(r *route, plain bool, got answer) (Verdict, string) {
	may := a.o.As.may(r)
	switch {
	case strings.Contains(got.body, a.canary) && !(may && r.kind != open):
		return Leaked, "the answer holds the canary"
	case r.kind == open && got.status >= 200 && got.status < 300:
		return a.tells(got)
	case strings.HasPrefix(strings.TrimSpace(got.body), "<"):
		return Refused, "a page" // of the web interface's, say; CouchDB's API has none
	case got.status >= 200 && got.status < 300:
		if may {
			return Allowed, ""
		}
		return Through, firstLine(got.body)
	case may:
		return Refused, "" // by what it asks for
	case got.status == http.StatusConflict || got.status == http.StatusPreconditionFailed:
		return Through, "tells that it is there: " + firstLine(got.body)
	case plain && r.kind == invalid && (got.status == http.StatusBadRequest || got.status == http.StatusNotFound || got.status >= 500):
		if fromStore(got.body) {
			return Through, "only the store can find this wrong: " + firstLine(got.body)
		}
	}
	return Refused, ""
}

// fromStore tells whether an error is one that a store gives about the content of a request.
func fromStore(body string) bool {
	var e struct{ Error string }
	if json.Unmarshal([]byte(body), &e) != nil {
		return false
	}
	switch e.Error {
	case "bad_request", "not_found", "db_not_found", "error", "unknown_error", "doc_validation", "badarg", "function_clause", "no_majority":
		return true
	}
	return false
}

// tells looks into an answer that a caller may have for what a stranger has no use for.
func (a *auditor) tells(got answer) (Verdict, string) {
	if a.o.As == Reader || a.o.As == Analyst {
		return Allowed, "" // somebody with an account may know
	}
	var welcome struct{ Version, UUID string }
	if json.Unmarshal([]byte(got.body), &welcome) == nil && (strings.Contains(welcome.Version, ".") || welcome.UUID != "") {
		return Tells, "the server's version or identity: " + firstLine(got.body)
	}
	return Allowed, ""
}

// ids finds out whether a write tells which ids exist.
func (a *auditor) ids(ctx context.Context) Finding {
	f := Finding{Method: http.MethodPost, Path: "/{db}", What: "an _id that is there and one that is not", Spelling: plain, Verdict: Refused}
	target := a.wire.path("/" + url.PathEscape(a.o.DB))
	var statuses [2]int
	for i, id := range []string{a.doc, a.doc[:len(a.doc)-1] + "~"} {
		got, err := a.wire.send(ctx, a.request(http.MethodPost, target, fmt.Sprintf(`{"_id":%q,"audit":%q}`, id, a.nonce)))
		if err != nil {
			f.Verdict, f.Detail = Silent, err.Error()
			return f
		}
		statuses[i] = got.status
	}
	f.Status = statuses[0]
	if statuses[0] != statuses[1] && a.o.As != Reader && a.o.As != Analyst {
		f.Verdict, f.Detail = Through, fmt.Sprintf("%d for one, %d for the other", statuses[0], statuses[1])
	}
	return f
}

// firstLine is the beginning of an answer, for a person.
func firstLine(body string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(body), "\n")
	if len(line) > 120 {
		line = line[:120] + "…"
	}
	return line
}
