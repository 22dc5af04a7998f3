package couchapi

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/replicate"
)

const (
	testAdmin         = "admin"
	testAdminPassword = "admin-pw"
	testRounds        = 100 // of PBKDF2: the transcripts are not about how slow that is
)

// oneAdmin is an Admins with one admin.
type oneAdmin struct{}

func (oneAdmin) Verify(name, password string) bool {
	return name == testAdmin && password == testAdminPassword
}

// newTestHandler makes a handler over an engine of its own.
func newTestHandler(t testing.TB, o Options) *Handler {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{CacheSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	o.Engine, o.Admins = e, oneAdmin{}
	if o.PasswordRounds == 0 {
		o.PasswordRounds = testRounds
	}
	var h *Handler
	m := replicate.NewManager(replicate.ManagerOptions{
		Local: func(c store.Caller) http.RoundTripper { return h.Transport(c) }, Server: e.UUID(), Node: NodeName,
	})
	o.Replicator = m
	h = New(o)
	if err := m.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

// replay runs the steps of one case against a server.
type replay struct {
	t        *testing.T
	addr     string
	env      map[string]any
	accounts map[string][2]string
}

func newReplay(t *testing.T, c transcriptCase) *replay {
	srv := httptest.NewServer(newTestHandler(t, Options{}))
	t.Cleanup(srv.Close)
	r := &replay{
		t: t, addr: srv.Listener.Addr().String(),
		accounts: map[string][2]string{
			"admin": {testAdmin, testAdminPassword}, "member": {"tr_member", "member-pw"}, "reader": {"tr_reader", "reader-pw"},
		},
		env: map[string]any{
			"run": "abc", "base": srv.URL, "node": "_local", "admin": testAdmin, "admin_password": testAdminPassword,
			"member": "tr_member", "member_password": "member-pw", "reader": "tr_reader", "reader_password": "reader-pw",
		},
	}
	for i, db := range c.DBs {
		r.env[db] = "tr_db" + string(rune('a'+i))
	}
	for _, u := range c.Users {
		r.env[u] = "tr_" + u
	}
	for who, roles := range map[string]string{"member": `[]`, "reader": `["reader"]`} {
		a := r.accounts[who]
		r.must("PUT", "/_users/org.couchdb.user:"+a[0],
			fmt.Sprintf(`{"name":%q,"type":"user","roles":%s,"password":%q}`, a[0], roles, a[1]), 201)
	}
	for key, val := range c.Config {
		r.must("PUT", "/_node/_local/_config/"+key, fmt.Sprintf("%q", val), 200)
	}
	return r
}

func (r *replay) must(method, path, body string, status int) {
	r.t.Helper()
	h := http.Header{"Content-Type": {"application/json"}, "Authorization": {r.basic(testAdmin, testAdminPassword)}}
	rep, err := r.roundTrip(method, path, h, []byte(body))
	if err != nil || rep.status != status {
		r.t.Fatalf("%s %s: %d %s %v", method, path, rep.status, rep.body, err)
	}
}

func (r *replay) basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// reply is an answer as it came.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// roundTrip sends a request as it is: nothing is added but what HTTP needs.
func (r *replay) roundTrip(method, path string, h http.Header, body []byte) (reply, error) {
	return r.exchange(method, path, h, body, func() {})
}

// exchange is roundTrip that calls begins when the answer does.
func (r *replay) exchange(method, path string, h http.Header, body []byte, begins func()) (reply, error) {
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		return reply{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return reply{}, err
	}
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", method, path, r.addr)
	for k, vals := range h {
		fmt.Fprintf(&head, "%s: %s\r\n", k, vals[0])
	}
	if h.Get("Transfer-Encoding") == "" && (body != nil || method == "POST" || method == "PUT") {
		fmt.Fprintf(&head, "Content-Length: %d\r\n", len(body))
	}
	head.WriteString("\r\n")
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.Write(append(head.Bytes(), body...)) // the server may answer before it has read all
	}()
	defer func() { c.Close(); <-written }()
	answer := bufio.NewReader(c)
	res, err := http.ReadResponse(answer, &http.Request{Method: method})
	for err == nil && res.StatusCode < 200 { // 100 Continue
		res, err = http.ReadResponse(answer, &http.Request{Method: method})
	}
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	begins()
	data, err := io.ReadAll(res.Body)
	if err != nil && len(data) == 0 {
		return reply{}, err
	}
	if len(res.TransferEncoding) > 0 {
		res.Header.Set("Transfer-Encoding", res.TransferEncoding[0])
	}
	return reply{res.StatusCode, res.Header, data}, nil
}

// step is one request and what is expected of its answer.
type step struct {
	Auth       any                `json:"-"`
	Method     string             `json:"method"`
	Path       string             `json:"path"`
	Headers    map[string]*string `json:"headers"`
	Body       any                `json:"-"`
	Background string             `json:"background"`
	Await      []string           `json:"await"`
	Sleep      float64            `json:"sleep"`
	Expect     ordered            `json:"-"`
}

func readStep(raw []byte) (step, error) {
	var s step
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, err
	}
	v, err := decode(raw)
	if err != nil {
		return s, err
	}
	o := v.(ordered)
	s.Auth, _ = o.get("auth")
	s.Body, _ = o.get("body")
	e, _ := o.get("expect")
	s.Expect = e.(ordered)
	return s, nil
}

// outcome of a step; diff is "" where it matched.
type outcome struct{ what, diff string }

func (r *replay) run(steps []json.RawMessage) []outcome {
	out := make([]outcome, len(steps))
	type waiting struct {
		i  int
		s  step
		ch chan reply
	}
	background := map[string]waiting{}
	collect := func(name string) {
		w := background[name]
		delete(background, name)
		out[w.i].diff = r.check(w.s, <-w.ch)
	}
	for i, raw := range steps {
		s, err := readStep(raw)
		if err != nil {
			r.t.Fatalf("step %d: %v", i+1, err)
		}
		out[i].what = s.Method + " " + s.Path
		if s.Sleep > 0 {
			// The transcript's own pause, for a feed in the background that waits by now: some of its heartbeats. A quarter is enough here.
			<-time.After(time.Duration(s.Sleep * float64(time.Second) / 4))
		}
		if s.Background != "" {
			method, path, h, body, err := r.request(s)
			if err != nil {
				out[i].diff = err.Error()
				continue
			}
			ch, begun := make(chan reply, 1), make(chan struct{})
			go func() {
				begins := sync.OnceFunc(func() { close(begun) })
				rep, _ := r.exchange(method, path, h, body, begins)
				begins()
				ch <- rep
			}()
			<-begun // a feed that begins its answer knows after which change it waits
			background[s.Background] = waiting{i, s, ch}
			continue
		}
		method, path, h, body, err := r.request(s)
		if err == nil {
			var rep reply
			if rep, err = r.roundTrip(method, path, h, body); err == nil {
				out[i].diff = r.check(s, rep)
			}
		}
		if err != nil {
			out[i].diff = err.Error()
		}
		for _, name := range s.Await {
			collect(name)
		}
	}
	for name := range background {
		collect(name)
	}
	return out
}

// request fills in the variables of a step.
func (r *replay) request(s step) (method, path string, h http.Header, body []byte, err error) {
	path, err = expand(s.Path, r.env, func(name, val string) string {
		esc := url.QueryEscape(val)
		esc = strings.ReplaceAll(esc, "+", "%20")
		if strings.HasPrefix(name, "db") {
			esc = strings.NewReplacer("%24", "$", "%28", "(", "%29", ")", "%2B", "+", "%2C", ",", "%3A", ":", "%40", "@").Replace(esc)
		}
		return esc
	})
	if err != nil {
		return
	}
	h = http.Header{"Accept": {"application/json"}}
	if body, err = r.bodyOf(s.Body); err != nil {
		return
	}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	if auth := s.Auth; auth != "anon" {
		pair := r.accounts["admin"]
		switch a := auth.(type) {
		case string:
			pair = r.accounts[a]
		case []any:
			for i := range pair {
				if pair[i], err = expand(a[i].(string), r.env, nil); err != nil {
					return
				}
			}
		}
		h.Set("Authorization", r.basic(pair[0], pair[1]))
	}
	for k, v := range s.Headers {
		h.Del(k)
		if v != nil {
			var val string
			if val, err = expand(*v, r.env, nil); err != nil {
				return
			}
			h.Set(k, val)
		}
	}
	return s.Method, path, h, body, nil
}

func (r *replay) bodyOf(b any) ([]byte, error) {
	o, ok := b.(ordered)
	if !ok {
		return nil, nil
	}
	if v, ok := o.get("json"); ok {
		v, err := expandJSON(v, r.env)
		if err != nil {
			return nil, err
		}
		raw, err := encode(v)
		return spaced(raw), err
	}
	if v, ok := o.get("text"); ok {
		s, err := expand(v.(string), r.env, nil)
		return []byte(s), err
	}
	if v, ok := o.get("base64"); ok {
		return base64.StdEncoding.DecodeString(v.(string))
	}
	v, _ := o.get("repeat")
	parts := v.([]any)
	n, err := parts[2].(json.Number).Int64()
	return []byte(parts[0].(string) + strings.Repeat(parts[1].(string), int(n)) + parts[3].(string)), err
}

// check compares an answer with what the step expects.
func (r *replay) check(s step, rep reply) string {
	status, _ := s.Expect.get("status")
	want, _ := status.(json.Number).Int64()
	if also, ok := s.Expect.get("also_ok"); ok {
		for _, n := range also.([]any) {
			if n.(json.Number).String() == fmt.Sprint(rep.status) {
				return ""
			}
		}
	}
	if rep.status != int(want) {
		return fmt.Sprintf("status %d, want %d; body %s", rep.status, want, brief(strings.TrimSpace(string(rep.body))))
	}
	exact, _ := s.Expect.get("reason_exact")
	m := &matcher{env: maps.Clone(r.env), reasonExact: exact != false, strictRevs: true}
	body, _ := s.Expect.get("body")
	d := checkBody(m, body, rep)
	if d == "" {
		headers, _ := s.Expect.get("headers")
		d = checkHeaders(m, headers, rep)
	}
	maps.Copy(r.env, m.env)
	return d
}

func checkHeaders(m *matcher, headers any, rep reply) string {
	want, _ := headers.(ordered)
	for _, e := range want {
		got, ok := rep.header[http.CanonicalHeaderKey(e.key)]
		switch {
		case e.val == nil && ok:
			return fmt.Sprintf("header %s: want none, got %s", e.key, got)
		case e.val == nil:
			continue
		case !ok:
			return "header " + e.key + ": missing"
		}
		val, exp := got[0], e.val
		switch e.key {
		case "Content-Type":
			if normalType(val) != normalType(exp.(string)) {
				return fmt.Sprintf("header Content-Type: want %s, got %s", exp, val)
			}
			continue
		case "Location":
			val = regexp.MustCompile(`^[a-z]+://[^/]*`).ReplaceAllString(val, "")
			val, _ = url.PathUnescape(val)
			if s, ok := exp.(string); ok {
				exp, _ = url.PathUnescape(s)
			}
		}
		if d := m.diff(exp, val, ""); d != "" {
			return "header " + e.key + d
		}
	}
	return ""
}

func normalType(s string) string {
	s = regexp.MustCompile(`;\s*boundary=("[^"]*"|[^;]*)`).ReplaceAllString(s, "")
	return strings.ToLower(regexp.MustCompile(`\s*;\s*`).ReplaceAllString(strings.TrimSpace(s), ";"))
}
