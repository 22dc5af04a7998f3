package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/proxy/wire"
)

// makeCert writes a certificate for 127.0.0.1 and its key, and gives who trusts it.
func makeCert(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	for file, text := range map[string][]byte{certFile: certPEM, keyFile: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile, pool
}

// serveAt serves h as logctl serve does, at a free port that door watches over, until the test ends; with TLS where there is a configuration.
func serveAt(t testing.TB, door *Door, h http.Handler, conf *tls.Config) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := wire.NewServer(context.Background(), h, slog.New(slog.DiscardHandler))
	go s.Serve(door.Listener(l, conf))
	t.Cleanup(func() { s.Close() })
	return l.Addr()
}

// TestTLS writes through a plain port that leads to the secure one, with HTTP/1.1 and HTTP/2.
func TestTLS(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := makeCert(t)
	conf, err := TLSConfig(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if conf.MinVersion != tls.VersionTLS12 {
		t.Errorf("oldest TLS version %x", conf.MinVersion)
	}
	f := newFakeCouch()
	door := newDoor(f)
	plain := serveAt(t, door, Redirect(serveAt(t, door, door, conf)), nil)
	for _, h2 := range []bool{false, true} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: h2}
		res, err := (&http.Client{Transport: tr}).Post("http://"+plain.String()+"/log_app", jsonType, strings.NewReader(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 201 || (res.ProtoMajor == 2) != h2 || !strings.HasPrefix(res.Header.Get("Location"), "https://") {
			t.Errorf("%s %s, Location %q", res.Proto, res.Status, res.Header.Get("Location"))
		}
		tr.CloseIdleConnections()
	}
	if n := len(f.dbs["log_app"]); n != 2 {
		t.Errorf("%d docs stored, want 2", n)
	}
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := makeCert(t)
	_, otherKey, _ := makeCert(t)
	for _, files := range [][2]string{{"no/such", keyFile}, {certFile, "no/such"}, {keyFile, certFile}, {certFile, otherKey}} {
		if _, err := TLSConfig(files[0], files[1], nil); err == nil || !strings.Contains(err.Error(), files[0]) {
			t.Errorf("%v: %v", files, err)
		}
	}
}

func TestRedirect(t *testing.T) {
	t.Parallel()
	type redirected struct {
		port         int
		host, target string
		status       int
		location     string
	}
	tests := []redirected{
		{443, "log.example.com", "/log_app?a=b", 308, "https://log.example.com/log_app?a=b"},
		{443, "log.example.com:80", "/", 308, "https://log.example.com/"},
		{6984, "log.example.com:5984", "//x/%2e", 308, "https://log.example.com:6984//x/%2e"},
		{6984, "[::1]:5984", "/x", 308, "https://[::1]:6984/x"},
		{443, "[::1]", "/x", 308, "https://[::1]/x"},
		{443, "LOG.example.com.", "/x", 308, "https://log.example.com/x"},
		{443, "192.0.2.1:80", "/x", 308, "https://192.0.2.1/x"},
		{443, "my_host-1", "http://other", 308, "https://my_host-1"},
	}
	for _, host := range []string{"", ":80", "x/y@z", "a@b", "a b", "a:b:80", "a:99999", "a:-1", "a:", "a..b", ".a", "[::1", "::1", "[::1]x", "[fe80::1%25eth0]",
		"[192.0.2.1]", "[x]", "a%2eb", "b\u00fccher.example", "a\x00", "a\r\nX:y", "a,b"} {
		tests = append(tests, redirected{443, host, "/", 400, ""})
	}
	tests = append(tests, redirected{443, "log.example.com", "*", 400, ""})
	for _, tt := range tests {
		r := newRequest("POST", tt.target, `{}`)
		r.Host = tt.host
		w := &statusOnly{discard: discard{http.Header{}}}
		Redirect(&net.TCPAddr{Port: tt.port}).ServeHTTP(w, r)
		if got := w.h.Get("Location"); w.status != tt.status || got != tt.location {
			t.Errorf("%s %s: %d %q, want %d %q", tt.host, tt.target, w.status, got, tt.status, tt.location)
		}
	}
}

// TestRedirectOfACME: where names are known, no other is repeated.
func TestRedirectOfACME(t *testing.T) {
	t.Parallel()
	h := NewACME(ACMEOptions{Domains: []string{"log.example.com", "b\u00fccher.example"}, Cache: t.TempDir()}).Redirect(&net.TCPAddr{Port: 443})
	for host, want := range map[string]string{
		"log.example.com": "https://log.example.com/x", "Log.Example.COM.:80": "https://log.example.com/x",
		"xn--bcher-kva.example": "https://xn--bcher-kva.example/x",
		"example.com":           "", "evil.example.com": "", "log.example.com.evil.example": "", "192.0.2.1": "", "[::1]": "", "": "",
	} {
		r := newRequest("GET", "/x", "")
		r.Host = host
		w := &statusOnly{discard: discard{http.Header{}}}
		h.ServeHTTP(w, r)
		if got := w.h.Get("Location"); got != want || (w.status == 308) != (want != "") {
			t.Errorf("%s: %d %q, want %q", host, w.status, got, want)
		}
	}
}
