package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/pipes"
	"logctl/proxy/tenants"
	"logctl/proxy/token"
	"logctl/proxy/wire"
	"logctl/store/ejson"
)

// guarded is a strictStore that also knows tokens, and takes from their holders what they may ask for. It notes what it is asked.
type guarded struct {
	strict strictStore
	tokens map[string]string // records by path
	writes func(db string) bool
	reads  string // the prefix of paths that the caller may read; "" for none
	there  bool   // whether docs with ids were there before

	mu    sync.Mutex
	asked []string
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.EscapedPath()
	g.mu.Lock()
	g.asked = append(g.asked, r.Method+" "+r.RequestURI)
	g.mu.Unlock()
	db, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch {
	case db == string(token.DB):
		g.token(w, r)
	case r.Method == "POST" && (rest == "" || rest == "_bulk_docs") && strings.HasPrefix(db, "log_"):
		if !g.writes(db) {
			g.strict.t.Errorf("the caller may not write to %s", db)
		}
		g.write(w, r)
	case g.reads != "" && strings.HasPrefix(path, g.reads):
		g.read(w, r, rest)
	default:
		g.strict.ServeHTTP(w, r)
	}
}

func (g *guarded) token(w http.ResponseWriter, r *http.Request) {
	if r.Method != "GET" || r.URL.RawQuery != "" || !strings.HasPrefix(r.URL.Path, "/logctl/token:") {
		g.strict.t.Errorf("the tokens were asked for: %s %s", r.Method, r.RequestURI)
	}
	if doc := g.tokens[r.URL.Path]; doc != "" {
		fakeAnswer(w, 200, doc)
		return
	}
	fakeError(w, 404, "not_found", canary)
}

// write has the strict store look at the docs, and tells what the store of this test says of them.
func (g *guarded) write(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(text))
	said := httptest.NewRecorder()
	g.strict.ServeHTTP(said, r)
	if g.there || said.Code != 201 && said.Code != 409 {
		fakeAnswer(w, said.Code, strings.TrimSuffix(said.Body.String(), "\n"))
		return
	}
	list := []json.RawMessage{text}
	bulk := strings.HasSuffix(r.URL.Path, "/_bulk_docs")
	if bulk {
		var req map[string][]json.RawMessage
		_ = json.Unmarshal(text, &req) // the strict store has looked
		list = req["docs"]
	}
	var rows []string
	for _, doc := range list {
		id := "u"
		if s, _, err := ejson.SplitDoc(nil, doc); err == nil && s.HasID {
			id = s.Doc.ID
		}
		rows = append(rows, `{"ok":true,"id":"`+id+`","rev":"1-r"}`)
	}
	if bulk {
		fakeAnswer(w, 201, "["+strings.Join(rows, ",")+"]")
		return
	}
	fakeAnswer(w, 201, rows[0])
}

// read answers what a holder may ask for, and fails the test at all else.
func (g *guarded) read(w http.ResponseWriter, r *http.Request, rest string) {
	allowed := append([]string{"Authorization", "Content-Type"}, askHeaders[:]...)
	for name := range r.Header {
		if !slices.Contains(allowed, name) {
			g.strict.t.Errorf("%s %s came with header %s", r.Method, r.RequestURI, name)
		}
	}
	for _, part := range strings.Split(rest, "/") {
		switch part {
		case "_security", "_purge", "_show", "_list", "_update", "_rewrite", "_local", "_bulk_docs", "..", ".", "_compact", "_revs_limit":
			g.strict.t.Errorf("a holder reads %s", r.RequestURI)
		}
	}
	if r.Method != "GET" && r.Method != "HEAD" && (r.Method != "POST" || !strings.HasPrefix(rest, "_")) {
		g.strict.t.Errorf("a holder reads by %s %s", r.Method, r.RequestURI)
	}
	if filter := r.URL.Query()["filter"]; len(filter) > 1 || len(filter) == 1 && !builtinFilter(filter[0]) {
		g.strict.t.Errorf("a holder has %s filter", r.RequestURI)
	}
	fakeAnswer(w, 200, `{"rows":[]}`)
}

// holders are callers of several kinds: how one asks, what it may write and read.
type holders struct {
	tokens  map[string]string
	texts   map[string]string // a token's text by the name of its caller
	clients *tenants.Clients
	chain   []*x509.Certificate
}

func newHolders(t testing.TB) *holders {
	ca := newTestCA(t)
	h := &holders{tokens: map[string]string{}, texts: map[string]string{"unknown": token.NewText(token.NewID())}}
	h.clients, _ = newTenants(t, ca)
	h.chain = []*x509.Certificate{ca.client(10, "web1.acme").Leaf, ca.cert}
	for name, r := range map[string]token.Record{
		"writer": {Apps: []string{"app"}, May: []string{token.Write}}, "other": {Apps: []string{"other"}, May: []string{token.Read}},
	} {
		id := token.NewID()
		h.texts[name] = token.NewText(id)
		r.Secrets = []token.Secret{token.NewSecret(h.texts[name], time.Now(), time.Time{})}
		doc, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		h.tokens["/logctl/token:"+id] = string(doc)
	}
	return h
}

func appName(db string) string {
	return strings.TrimSuffix(strings.TrimPrefix(db, "log_"), "_rejects")
}

// call sends a request as somebody to a store of its own, and gives the answer and what the store was asked.
func (h *holders) call(t *testing.T, raw []byte, as string, there bool) (answer string, g *guarded) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return "", nil
	}
	r.RemoteAddr = "192.0.2.1:1234"
	g = &guarded{strict: strictStore{t}, tokens: h.tokens, there: there}
	delete(r.Header, "Authorization")
	if text := h.texts[as]; text != "" {
		r.Header.Set("Authorization", "Bearer "+text)
	}
	switch as {
	case "writer":
		g.writes = func(db string) bool { return db == "log_app" || db == "log_app_rejects" }
	case "acme":
		delete(r.Header, "Cookie")
		r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{h.chain}}
		g.writes = func(db string) bool { return strings.HasPrefix(appName(db), "acme_") }
	case "stranger":
		g.writes = func(db string) bool {
			return !strings.HasPrefix(appName(db), "acme_") && !strings.HasPrefix(appName(db), "globex_")
		}
	default:
		g.writes = func(string) bool { return false }
	}
	if as == "other" {
		g.reads = "/log_other"
	}
	door := New(Options{Upstream: g, Clients: h.clients, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
	w := httptest.NewRecorder()
	door.ServeHTTP(w, r)
	w.Header().Del("X-Couch-Request-Id")
	var b strings.Builder
	_ = w.Header().Write(&b) // a Builder takes all
	return http.StatusText(w.Code) + "\n" + b.String() + "\n" + w.Body.String(), g
}

// holderRequests are some of what callers may ask for, and of what they may not.
func holderRequests(t testing.TB) (list []string) {
	good, _, _ := withID(t, `{"date":"2017-06-14","ip":"59.45.175.88"}`)
	for _, path := range []string{"/log_app", "/log_app_rejects", "/log_acme_shop", "/log_other", "/log_none"} {
		for _, body := range []string{good, "[" + good + "]", `{"_rev":"1-a"}`, `{"selector":{}}`} {
			for _, rest := range []string{"", "/_find"} {
				list = append(list, "POST "+path+rest+" HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 300\r\n\r\n"+body+
					strings.Repeat(" ", 300-len(body)))
			}
		}
		for _, rest := range []string{"", "/_all_docs?limit=1", "/_changes?filter=a/b", "/_changes?filter=_view&view=a/b", "/%5fall_docs", "/a%2f_security",
			"/_design/a/_view/b?group=true", "/_design/a/_show/b", "/../log_app/x", "/%2e%2e", "/doc/x", "/_local/x", "?x", "/_security"} {
			for _, header := range []string{"X-Http-Method: PUT", "Cookie: AuthSession=x"} {
				list = append(list, "GET "+path+rest+" HTTP/1.0\r\n"+header+"\r\n\r\n")
			}
		}
	}
	return list
}

// check sends what reads as HTTP as a stranger, a write token, another app's read token, a tenant's certificate and a token that is
// none, to a store where things are and to one where they are not. Nobody gets to see a canary, and neither an answer nor what the
// store is asked for, which is what takes time, tells the one store from the other.
func (h *holders) check(t *testing.T, raw []byte) {
	for _, as := range []string{"stranger", "writer", "other", "acme", "unknown"} {
		here, g := h.call(t, raw, as, true)
		gone, g2 := h.call(t, raw, as, false)
		if g == nil {
			return
		}
		if here != gone || !slices.Equal(g.asked, g2.asked) {
			t.Errorf("as %s: %q, asked %q; where nothing is %q, asked %q", as, here, g.asked, gone, g2.asked)
		}
		if strings.Contains(here, canary) && !bytes.Contains(raw, []byte(canary)) {
			t.Errorf("as %s: %s", as, here)
		}
	}
}

func TestHolders(t *testing.T) {
	t.Parallel()
	h := newHolders(t)
	for _, raw := range holderRequests(t) {
		if h.check(t, []byte(raw)); t.Failed() {
			t.Fatalf("%q", raw)
		}
	}
}

// FuzzHolder begins with some of TestHolders' requests: a short run has no time for all.
func FuzzHolder(f *testing.F) {
	h := newHolders(f)
	for i, raw := range holderRequests(f) {
		if i%9 == 0 {
			f.Add([]byte(raw))
		}
	}
	f.Fuzz(h.check)
}

// scripted is a connection that has its client's bytes ready, keeps what is answered, and ends when it is told to.
type scripted struct {
	in   *bytes.Reader
	end  chan struct{}
	once sync.Once

	mu  sync.Mutex
	out bytes.Buffer
}

func (c *scripted) Read(p []byte) (int, error) {
	if n, err := c.in.Read(p); err == nil {
		return n, nil
	}
	<-c.end
	return 0, io.EOF
}

func (c *scripted) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Write(p)
}

func (c *scripted) Close() error {
	c.once.Do(func() { close(c.end) })
	return nil
}

func (*scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (*scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1} }
func (*scripted) SetDeadline(time.Time) error      { return nil }
func (*scripted) SetReadDeadline(time.Time) error  { return nil }
func (*scripted) SetWriteDeadline(time.Time) error { return nil }

// FuzzWire sends bytes to the server as it is: what is no HTTP, or is several requests to one reader and one to another, shows no
// canary, and the store is asked nothing that it must not be asked.
func FuzzWire(f *testing.F) {
	const post = "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	const hidden = "GET /log_app/_all_docs HTTP/1.1\r\nHost: x\r\n\r\n"
	for _, s := range []string{
		post + "Content-Length: 7\r\n\r\n{\"a\":1}" + hidden,
		post + "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n" + hidden,
		post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n" + hidden,
		post + "Transfer-Encoding : chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n" + hidden,
		post + "Transfer-Encoding:\r\n chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n",
		post + "Content-Length: +7\r\n\r\n{\"a\":1}",
		post + "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
		"POST /log_app HTTP/1.1\nHost: x\nContent-Length: 2\n\n{}",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", "GET http://x/log_app/_all_docs HTTP/1.1\r\nHost: x.\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA\r\n\r\n", hidden + hidden, "\x16\x03\x01", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		synctest.Test(t, func(t *testing.T) {
			g := &guarded{strict: strictStore{t}, writes: func(string) bool { return true }, there: true}
			door := New(Options{Upstream: g, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
			server := wire.NewServer(t.Context(), door, door.o.Log)
			l := pipes.New()
			c := &scripted{in: bytes.NewReader(raw), end: make(chan struct{})}
			l.Conns <- c
			done := make(chan struct{})
			go func() { defer close(done); _ = server.Serve(door.Listener(l, nil)) }() // ends with Close
			time.Sleep(time.Minute)                                                    // of the bubble's: all that is asked is answered
			synctest.Wait()
			c.Close()
			server.Close()
			<-done
			synctest.Wait()
			if out := c.out.Bytes(); bytes.Contains(out, []byte(canary)) && !bytes.Contains(raw, []byte(canary)) {
				t.Errorf("%q", out)
			}
		})
	})
}
