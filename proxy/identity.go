package proxy

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"logctl/store"
)

// identify finds out who the caller is. What a request says of it comes before the certificate of its connection. answered says
// that the caller has been told that its credentials are none: the same as by CouchDB, whatever the request was for.
func (d *Door) identify(v *visit) (answered bool, err error) {
	if c, ok := store.CallerFrom(v.r.Context()); ok {
		v.caller = caller{name: c.Name, roles: c.Roles}
		return false, nil
	}
	if !hasCredentials(v.r) {
		v.caller, err = d.byCertificate(v.r)
		return false, err
	}
	if text := bearer(v.r.Header); text != "" {
		v.caller, err = d.byToken(v, text)
		return false, err
	}
	return d.byAccount(v)
}

// byAccount asks the store whose a request's credentials are.
func (d *Door) byAccount(v *visit) (answered bool, err error) {
	start := time.Now()
	name, byPassword, err := basicName(v.r.Header["Authorization"])
	if err != nil {
		return false, err
	}
	key := d.sessions.key(v.r.Header)
	known, fresh := d.sessions.get(key, start)
	if fresh {
		v.caller = known
		return false, nil
	}
	if byPassword && known.name == "" {
		end := d.try(v, name, func() bool {
			known, fresh = d.sessions.get(key, time.Now())
			return fresh
		})
		if end == nil {
			return true, nil
		}
		defer end()
		if fresh {
			v.caller = known
			return false, nil
		}
		start = time.Now()
	}
	if d.isWriter(name) {
		d.wrong(v, name, start)
		return false, errWrongPassword()
	}
	c, err := d.ask(d.whoami(v), usualSmall, maxSession)
	if err != nil {
		return false, err
	}
	switch c.status {
	case http.StatusOK:
		v.caller, err = readSession(c.body)
		if v.caller.name != "" {
			d.sessions.add(key, v.caller, start)
			if v.caller.name == name { // and not whom a cookie beside the password names
				d.attempts.succeeded(v.guesser(), name)
			}
			d.trail.Met(v.caller.name)
		}
		return false, err
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		if byPassword && c.status != http.StatusBadRequest {
			d.wrong(v, name, start)
		}
		d.counters.refused[store.KindFor(c.status, "")].Add(1)
		d.tellLogin(v, name, c.status)
		v.relay(c, "Content-Type", "Set-Cookie", "Www-Authenticate")
		return true, nil
	}
	return false, errUpstream
}

const (
	maxSession = 64 << 10 // bytes that /_session may take and give
	usualSmall = 256      // and what it mostly gives
)

// hasCredentials tells whether a request has anything by which CouchDB may know its caller.
func hasCredentials(r *http.Request) bool {
	if _, ok := r.Header["Authorization"]; ok {
		return true
	}
	if _, ok := r.Header["Cookie"]; !ok {
		return false
	}
	c, err := r.Cookie(sessionCookie)
	return err == nil && c.Value != ""
}

// basicName is whose password a request has. The error is for Basic credentials that can't be read, as CouchDB refuses them.
func basicName(headers []string) (name string, ok bool, err error) {
	if len(headers) == 0 {
		return "", false, nil
	}
	scheme, _, _ := strings.Cut(strings.TrimSpace(headers[0]), " ")
	if len(headers) == 1 && !strings.EqualFold(scheme, "Basic") {
		return "", false, nil
	}
	name, _, ok = (&http.Request{Header: http.Header{"Authorization": headers}}).BasicAuth()
	if !ok || len(headers) > 1 {
		return "", false, store.NewError(store.KindBadRequest, "Authorization header has invalid base64 value")
	}
	return name, true, nil
}

func (d *Door) isWriter(name string) bool { return d.o.Writer != "" && name == d.o.Writer }

// errWrongPassword is what CouchDB says of a wrong password and of an account that it does not know.
func errWrongPassword() error {
	return store.NewError(store.KindUnauthorized, "Name or password is incorrect.")
}

// credentials are the headers that hold them.
var credentials = [...]string{"Authorization", "Cookie"}

// whoami asks for the session that belongs to a visit's credentials.
func (d *Door) whoami(v *visit) *http.Request {
	r := v.inner(http.MethodGet, "/_session", nil)
	v.sign(r)
	return r
}

// sign gives a request of the door's own the visit's credentials and address.
func (v *visit) sign(r *http.Request) {
	for _, name := range credentials {
		if values, ok := v.r.Header[name]; ok {
			r.Header[name] = values
		}
	}
	v.stamp(r)
}

// readSession reads the answer of GET /_session: the zero caller if it names nobody.
func readSession(answer []byte) (caller, error) {
	var session struct {
		UserCtx struct {
			Name  *string  `json:"name"`
			Roles []string `json:"roles"`
		} `json:"userCtx"`
	}
	if err := json.Unmarshal(answer, &session); err != nil {
		return caller{}, errUpstream
	}
	u := session.UserCtx
	if u.Name == nil || *u.Name == "" {
		return caller{}, nil
	}
	return caller{name: *u.Name, roles: u.Roles}, nil
}

// replicate lets an admin have the server replicate, and nobody else: with a URL for one of the two databases, the server
// makes requests to whatever address its caller wants, and CouchDB does that for everybody who has an account.
func (d *Door) replicate(v *visit) error {
	admin, err := d.isAdmin(v)
	if err != nil {
		return err
	}
	if !admin {
		return store.NewError(store.KindForbidden, "Only server admins may have this server replicate.")
	}
	return d.pass(v)
}

func (d *Door) isAdmin(v *visit) (bool, error) {
	if _, ok := store.CallerFrom(v.r.Context()); ok {
		return v.caller.is(store.AdminRole), nil
	}
	now, _, err := d.session(v)
	return now.is(store.AdminRole), err
}

// relay gives a captured answer to the client, with those of its headers that are named.
func (v *visit) relay(c *captured, headers ...string) {
	v.mark()
	h := v.w.Header()
	for _, name := range headers {
		if values, ok := c.header[name]; ok {
			h[name] = values
		}
	}
	v.seal(h)
	v.w.WriteHeader(c.status)
	if v.r.Method != http.MethodHead {
		_, _ = v.w.Write(c.body)
	}
}

// inner makes a request of the door's own for the store: nothing of the visit's is in it but its context and its connection's
// ends. path is escaped and has no query.
func (v *visit) inner(method, path string, body *docsReader) *http.Request {
	plain, err := url.PathUnescape(path)
	if err != nil { // never: the door has escaped it
		plain = path
	}
	r := &http.Request{
		Method: method, URL: &url.URL{Path: plain, RawPath: path}, RequestURI: path,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Accept": {"application/json"}},
		Host:   v.r.Host, RemoteAddr: v.r.RemoteAddr, TLS: v.r.TLS, Body: http.NoBody,
	}
	if body != nil {
		r.Header["Content-Type"] = []string{"application/json"}
		body.attach(r)
	}
	return r.WithContext(v.r.Context())
}

const (
	sessionTime  = 5 * time.Second  // for which credentials that were good are taken for good
	sessionTrust = 10 * time.Minute // and for which they are no guess
	maxSessions  = 4096             // that are remembered
)

// sessions remembers for a few seconds whose credentials the store knew, so that it is not asked before every request. What the
// door decides stands on that; the store checks the credentials again. Bad ones are not remembered; an account that has just been
// made is known at once.
type sessions struct {
	secret [sha256.Size]byte // of the keys, so that no password's plain hash is in memory

	mu    sync.Mutex
	known map[sessionKey]session
}

type session struct {
	caller caller
	until  time.Time
}

type sessionKey [sha256.Size]byte

func newSessions() *sessions {
	s := &sessions{known: map[sessionKey]session{}}
	rand.Read(s.secret[:]) // never fails
	return s
}

// key is the MAC of the headers that hold credentials, each value with its length.
func (s *sessions) key(h http.Header) (key sessionKey) {
	mac := hmac.New(sha256.New, s.secret[:])
	var n [8]byte
	for _, name := range credentials {
		binary.BigEndian.PutUint64(n[:], uint64(len(h[name])))
		mac.Write(n[:])
		for _, value := range h[name] {
			binary.BigEndian.PutUint64(n[:], uint64(len(value)))
			mac.Write(n[:])
			mac.Write([]byte(value))
		}
	}
	mac.Sum(key[:0])
	return key
}

// get is whose credentials these were when the store was asked last, the zero caller if it was long ago. fresh says that it need not
// be asked again.
func (s *sessions) get(key sessionKey, now time.Time) (c caller, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[key]
	if !now.Before(known.until.Add(sessionTrust - sessionTime)) {
		return caller{}, false
	}
	return known.caller, now.Before(known.until)
}

func (s *sessions) add(key sessionKey, c caller, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.known[key]; !ok && len(s.known) >= maxSessions {
		for k, known := range s.known {
			if !now.Before(known.until) {
				delete(s.known, k)
			}
		}
		if len(s.known) >= maxSessions {
			return
		}
	}
	s.known[key] = session{c, now.Add(sessionTime)}
}
