package proxy

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// TestSessionCookie: whichever answer a session's cookie comes with, over TLS to the door or to a proxy in front of it, browsers keep
// it to TLS and to pages of the same site; what the store says of that itself stays.
func TestSessionCookie(t *testing.T) {
	t.Parallel()
	given := []string{"AuthSession=a; Path=/; HttpOnly", "AuthSession=; path=/; secure; samesite=none", "other=c"}
	f := newFakeCouch()
	door := New(Options{Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}, Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/_session" && r.Method == "GET" {
			f.ServeHTTP(w, r)
			return
		}
		w.Header()["Set-Cookie"] = append([]string(nil), given...)
		if r.URL.Path != "/log_app/_all_docs" { // whose header goes with the body
			w.WriteHeader(http.StatusCreated)
		}
		_, _ = w.Write([]byte("[]"))
	})})
	for _, request := range []string{"POST /_session", "DELETE /_session", "GET /log_app", "GET /log_app/_all_docs", "POST /log_app"} {
		for _, proto := range []string{"https", "http"} {
			method, path, _ := strings.Cut(request, " ")
			headers := []string{"X-Forwarded-Proto", proto, "X-Forwarded-For", "198.51.100.1", "Content-Type", jsonType}
			body := `{"name":"x"}`
			if path != "/_session" {
				body = "[" + body + "]"
				headers = append(headers, "Authorization", basicHeader("reader", "pw"))
			}
			w := call(door, method, path, body, headers...)
			want := []string{given[0] + "; SameSite=Lax", given[1], given[2]}
			if proto == "https" {
				want[0] = given[0] + "; Secure; SameSite=Lax"
			}
			if got := w.Header()["Set-Cookie"]; strings.Join(got, "|") != strings.Join(want, "|") {
				t.Errorf("%s over %s: %d, cookies %q, want %q", request, proto, w.Code, got, want)
			}
		}
	}
}
