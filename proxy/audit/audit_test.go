package audit_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"logctl/proxy"
	"logctl/proxy/audit"
	"logctl/proxy/wire"
	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
)

type admins struct{}

func (admins) Verify(name, password string) bool { return name == "admin" && password == "secret" }

// newStore is an embedded store with the database log_app, which nobody but the admin may use, and with the report's views.
func newStore(t *testing.T) http.Handler {
	t.Helper()
	e, err := engine.Open(t.TempDir(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h := couchapi.New(couchapi.Options{Engine: e, Admins: admins{}, PasswordRounds: 100}) // passwords are not what is tried
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, doc := range [][2]string{
		{"/log_app"}, {"/_users"},
		{"/log_app/_design/report", `{"views":{"attacks":{"map":"function(doc){emit(doc.canary,doc)}"}}}`},
	} {
		r := httptest.NewRequest(http.MethodPut, doc[0], strings.NewReader(doc[1]))
		r.SetBasicAuth("admin", "secret")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusCreated && w.Code != http.StatusPreconditionFailed {
			t.Fatalf("PUT %s: %d %s", doc[0], w.Code, w.Body)
		}
	}
	return h
}

// serve serves a door as logctl serve does, until the test ends, and gives where and what its clients' TLS needs.
func serve(t *testing.T, secure bool, door *proxy.Door) (address string, client *tls.Config) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = "http://" + l.Addr().String()
	var conf *tls.Config
	if secure {
		certs := httptest.NewTLSServer(nil) // for its certificate
		certs.Close()
		client = certs.Client().Transport.(*http.Transport).TLSClientConfig
		conf = &tls.Config{Certificates: certs.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}
		address = "https://" + l.Addr().String()
	}
	s := wire.NewServer(t.Context(), door, slog.New(slog.DiscardHandler))
	go s.Serve(door.Listener(l, conf))
	t.Cleanup(func() { s.Close() })
	return address, client
}

func run(t *testing.T, address string, o audit.Options) *audit.Report {
	t.Helper()
	var err error
	if o.URL, err = url.Parse(address); err != nil {
		t.Fatal(err)
	}
	o.DB, o.Timeout = "log_app", 10*time.Second
	report, err := audit.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// leaks gives what was let through, by route: "POST /{db}/_find" and the verdict of the worst spelling.
func leaks(r *audit.Report) map[string]audit.Verdict {
	found := map[string]audit.Verdict{}
	for _, f := range r.Findings {
		key := f.Method + " " + f.Path
		if f.Verdict.Leak() && (found[key] == "" || f.Verdict.Worse(found[key])) {
			found[key] = f.Verdict
		}
	}
	return found
}

// The door of this project has none of the holes, over HTTP and over TLS with HTTP/2.
func TestDoorIsTight(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls=%v", secure), func(t *testing.T) {
			t.Parallel()
			api := newStore(t)
			writer := store.Caller{Name: "admin", Roles: []string{store.AdminRole}} // the strongest writer there could be
			address, conf := serve(t, secure, proxy.New(proxy.Options{
				Upstream: api,
				AsWriter: func(r *http.Request) *http.Request { return r.WithContext(store.WithCaller(r.Context(), writer)) },
				Writer:   "app_write",
			}))
			report := run(t, address, audit.Options{Plant: true, TLS: conf})
			for _, f := range report.Findings {
				if f.Verdict.Leak() || f.Verdict == audit.Tells || f.Verdict == audit.Silent {
					t.Errorf("%s %s (%s): %s, status %d %s", f.Method, f.Path, f.Spelling, f.Verdict, f.Status, f.Detail)
				}
			}
			if !report.Planted || len(report.Findings) < 1000 {
				t.Errorf("planted %v, %d requests", report.Planted, len(report.Findings))
			}
		})
	}
}

// classicRecipe is the often given advice: whatever is posted gets the writer's credentials.
const classicRecipe = `
daemon off;
pid %[1]s/pid;
error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	map $request_method $writer { POST "Basic %[2]s"; default ""; }
	map $http_authorization $auth { "" $writer; default $http_authorization; }
	server {
		listen %[4]s;
		location / {
			proxy_pass %[3]s;
			proxy_set_header Authorization $auth;
		}
	}
}
`

// The holes of the classic recipe are found, and what they show is the canary.
func TestFindsHolesOfClassicRecipe(t *testing.T) {
	t.Parallel()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		t.Skip("SKIPPED: no nginx; the audit is not tried on somebody else's door")
	}
	back := httptest.NewServer(newStore(t))
	defer back.Close()
	dir, address := t.TempDir(), freeAddress(t)
	conf := fmt.Sprintf(classicRecipe, dir, base64.StdEncoding.EncodeToString([]byte("admin:secret")), back.URL, address)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), nginx, "-c", file, "-p", dir, "-e", "stderr")
	c.Stderr = t.Output()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = c.Process.Signal(syscall.SIGTERM) // so that its worker ends, too
		_ = c.Wait()
	}()
	awaitListener(t, address)

	report := run(t, "http://"+address, audit.Options{Plant: true})
	found := leaks(report)
	for key, want := range map[string]audit.Verdict{
		"POST /{db}/_find":                        audit.Leaked,
		"POST /{db}/_all_docs":                    audit.Leaked,
		"POST /{db}/_changes":                     audit.Leaked,
		"POST /{db}/_bulk_get":                    audit.Leaked,
		"POST /{db}/_design/report/_view/attacks": audit.Leaked,
		"GET /{db}/_all_docs":                     audit.Leaked, // by X-HTTP-Method-Override
		"POST /{db}/_bulk_docs":                   audit.Through,
		"POST /{db}/_revs_diff":                   audit.Through,
		"PUT /{db}/{doc}":                         audit.Through,
		"PUT /{new}":                              audit.Through,
		"POST /{db}":                              audit.Through,
	} {
		if found[key] != want {
			t.Errorf("%s: %q, want %q", key, found[key], want)
			for _, f := range report.Findings {
				if f.Method+" "+f.Path == key {
					t.Logf("%s: %d %s %s", f.Spelling, f.Status, f.Verdict, f.Detail)
				}
			}
		}
	}
}

// freeAddress is one that nobody listens at.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// awaitListener waits until somebody listens at an address.
func awaitListener(t *testing.T, address string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens: %v", err)
		}
	}
}

// Somebody with an account may read, and is told of what else there is.
func TestAsReader(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(newStore(t))
	defer s.Close()
	report := run(t, s.URL, audit.Options{As: audit.Reader, Authorization: basic("admin", "secret")})
	found := leaks(report)
	if found["GET /{db}/_all_docs"] != "" {
		t.Errorf("reading counts as a leak")
	}
	if found["GET /_all_dbs"] != audit.Through || found["PUT /{new}"] != audit.Through {
		t.Errorf("an admin's rights are not found: %v", found)
	}
	for _, name := range databases(t, s) {
		if strings.HasPrefix(name, "audit-") {
			t.Errorf("the database %s was left behind", name)
		}
	}
}

func basic(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

func databases(t *testing.T, s *httptest.Server) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/_all_dbs", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", "secret")
	res, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var b strings.Builder
	if err := res.Write(&b); err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(b.String(), "[")
	return strings.Split(strings.NewReplacer(`"`, "", "]", "").Replace(body), ",")
}

// TestFindsSmuggling: net/http, without somebody in front who reads along, takes requests that others end elsewhere.
func TestFindsSmuggling(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(newStore(t))
	defer s.Close()
	report := run(t, s.URL, audit.Options{As: audit.Reader, Authorization: basic("admin", "secret")})
	for _, f := range report.Findings {
		if f.Spelling == "smuggled" {
			const want = "taken: both lengths, chunked counts; both lengths, the other first; a folded header; chunks in HTTP/1.0"
			if f.Verdict != audit.Through || f.Status != http.StatusCreated || f.Detail != want {
				t.Errorf("%s, %d, %s", f.Verdict, f.Status, f.Detail)
			}
			return
		}
	}
	t.Error("nothing was smuggled")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(nil)
	s.Close()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Run(t.Context(), audit.Options{URL: u, DB: "log_app"}); err == nil {
		t.Error("no error")
	}
}
