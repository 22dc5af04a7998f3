package ca

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// serve runs a signer and gives its address.
func serve(t *testing.T, c *CA, p Policy) string {
	t.Helper()
	s, err := NewSigner(SignerOptions{CA: c, Hosts: []string{"localhost", "127.0.0.1"}, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return "https://" + l.Addr().String()
}

func newClient(t *testing.T, url, fingerprint string) *Client {
	t.Helper()
	c, err := NewClient(url, fingerprint)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClient(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	url := serve(t, ca, *wordPolicy())
	client := newClient(t, url, ca.Fingerprint())
	if seen, err := newClient(t, url, "").Look(t.Context()); err != nil || seen != ca.Fingerprint() {
		t.Errorf("looking: %s, %v", seen, err)
	}
	key := newKey(t)
	cert, root, err := client.Sign(t.Context(), key, "web1", word)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(root, ca.Root()) {
		t.Error("another root")
	}
	text, err := pemKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, text)
	if err != nil {
		t.Fatal(err)
	}
	renewed, _, err := client.Renew(t.Context(), &pair)
	if err != nil || bytes.Equal(renewed, cert) {
		t.Errorf("renewal: %v", err)
	}
	if _, err := ca.Revoke("web1"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := client.Renew(t.Context(), &pair); !store.IsKind(err, store.KindForbidden) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked one renews: %v", err)
	}
	if _, _, err := client.Sign(t.Context(), key, "web2", "wrong"); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("wrong word: %v", err)
	}
	if _, err := NewClient("http://localhost:1", ""); err == nil {
		t.Error("plain HTTP passes")
	}
}

// A client gives its secret to nobody but the CA with the fingerprint.
func TestClientMeetsAnother(t *testing.T) {
	t.Parallel()
	real, fake := newCA(t), newCA(t)
	url := serve(t, fake, *wordPolicy())
	if _, _, err := newClient(t, url, real.Fingerprint()).Sign(t.Context(), newKey(t), "web1", word); !errors.Is(err, errOther) {
		t.Errorf("another CA: %v", err)
	}
	// Showing the real root with a certificate that is not from it does not help.
	pair, err := fake.serverCertificate([]string{"localhost"})
	if err != nil {
		t.Fatal(err)
	}
	mixed := *pair
	mixed.Certificate = [][]byte{pair.Certificate[0], real.root.Raw}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{mixed}})
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 1)
	srv := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path })}
	go srv.Serve(l)
	defer srv.Close()
	if _, _, err := newClient(t, "https://"+l.Addr().String(), real.Fingerprint()).Sign(t.Context(), newKey(t), "web1", word); err == nil {
		t.Error("a certificate that is not from the root passes")
	}
	select {
	case path := <-asked:
		t.Errorf("it was asked for %s", path)
	default:
	}
	// Nor does the right CA under another name.
	url = serve(t, real, *wordPolicy())
	c := newClient(t, url, real.Fingerprint())
	c.host = "127.0.0.2"
	if _, _, err := c.Sign(t.Context(), newKey(t), "web1", word); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("another name: %v", err)
	}
}

func TestSignerRefuses(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	url := serve(t, ca, Policy{Word: func() (string, error) { return "", errors.New("open /etc/secret/path: no") }})
	client := newClient(t, url, ca.Fingerprint()).http(nil)
	csr := string(newCSR(t, newKey(t), "web1", word))
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/", "", 404, "missing"},
		{"GET", "/ca.key", "", 404, "missing"},
		{"GET", "/../ca.key", "", 404, "missing"},
		{"GET", "/sign", "", 405, ""},
		{"DELETE", "/ca", "", 405, ""},
		{"POST", "/sign", "", 400, "no CSR"},
		{"POST", "/sign", strings.Repeat("x", MaxRequest+1), 413, "too long"},
		{"POST", "/renew", csr, 401, "old certificate"},
		{"POST", "/sign", csr, 500, "did not expect"},
	} {
		r, err := http.NewRequest(c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != c.status || !strings.Contains(string(text), c.says) || strings.Contains(string(text), "secret/path") {
			t.Errorf("%s %s: %d %s %v", c.method, c.path, res.StatusCode, text, err)
		}
	}
}

// After some wrong secrets even the right one has to wait.
func TestSignerSlowsGuesses(t *testing.T) {
	t.Parallel()
	ca := newCA(t)
	url := serve(t, ca, *wordPolicy())
	client := newClient(t, url, ca.Fingerprint())
	for i := range guessBurst {
		if _, _, err := client.Sign(t.Context(), newKey(t), "web1", fmt.Sprint("guess ", i)); !store.IsKind(err, store.KindForbidden) {
			t.Fatalf("guess %d: %v", i, err)
		}
	}
	if _, _, err := client.Sign(t.Context(), newKey(t), "web1", word); !store.IsKind(err, store.KindTooManyRequests) {
		t.Errorf("%v", err)
	}
	res, err := client.http(nil).Post(url+"/sign", "", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}

// TestSignerLogIsBounded: requests that anybody can make fill no log; those that are left out count, and hide no wrong secret.
func TestSignerLogIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, err := NewSigner(SignerOptions{CA: newCA(t), Hosts: []string{"localhost"}, Policy: *wordPolicy(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		sign := func(csr string) (status int, line string) {
			log.Reset()
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("POST", "/sign", strings.NewReader(csr)))
			return w.Code, log.String()
		}
		logged := 0
		for range 100 {
			status, line := sign("no CSR")
			if status != http.StatusBadRequest {
				t.Fatal(status)
			}
			logged += strings.Count(line, "\n")
		}
		if logged != guessBurst {
			t.Errorf("%d of 100 are in the log", logged)
		}
		wrong := newCSR(t, newKey(t), "web1", "guess")
		for i := range 2 {
			want := fmt.Sprintf("not_logged=%d\n", (1-i)*(100-guessBurst))
			if status, line := sign(string(wrong)); status != http.StatusForbidden || !strings.HasSuffix(line, want) {
				t.Errorf("a wrong secret: %d %q, want %q", status, line, want)
			}
		}
		time.Sleep(guessEvery)
		if _, line := sign("no CSR"); !strings.HasSuffix(line, "kind=bad_request not_logged=0\n") {
			t.Errorf("later: %q", line)
		}
		if _, line := sign("no CSR"); line != "" {
			t.Errorf("and one more: %q", line)
		}
	})
}

func TestGuesses(t *testing.T) {
	t.Parallel()
	var g guesses
	now := time.Unix(1e9, 0)
	for i := range guessBurst {
		if wait := g.take("192.0.2.1", now); wait != 0 {
			t.Fatalf("try %d waits %v", i, wait)
		}
	}
	if wait := g.take("192.0.2.1", now); wait != guessEvery {
		t.Errorf("one too many waits %v", wait)
	}
	if wait := g.take("192.0.2.2", now); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	if wait := g.take("192.0.2.1", now.Add(guessEvery)); wait != 0 {
		t.Errorf("later it waits %v", wait)
	}
	for range 100 {
		if wait := g.take("192.0.2.3", now); wait != 0 {
			t.Fatal("right secrets count")
		}
		g.back("192.0.2.3", now)
	}
	for i := range guessBurst {
		g.take(fmt.Sprintf("2001:db8::%x", i), now)
	}
	if wait := g.take("2001:db8::ffff", now); wait == 0 {
		t.Error("another address of one IPv6 network does not wait")
	}
	// More addresses than are remembered share what is left.
	for i := range maxGuessers {
		g.take(fmt.Sprintf("10.%d.%d.1", i/256, i%256), now)
	}
	if len(g.full) > maxGuessers+1 {
		t.Errorf("%d are remembered", len(g.full))
	}
	for range guessBurst {
		g.take("203.0.113.1", now)
	}
	if wait := g.take("203.0.113.2", now); wait == 0 {
		t.Error("what is not remembered has no limit")
	}
	later := now.Add(time.Hour)
	if wait := g.take("203.0.113.2", later); wait != 0 || len(g.full) > 2 {
		t.Errorf("an hour later it waits %v, %d are remembered", wait, len(g.full))
	}
}

// The signer works with openssl and curl alone, as docs/ca.md tells.
func TestCurl(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("SKIPPED: there is no curl on this machine")
	}
	openssl(t, "version")
	ca := newCA(t)
	url := serve(t, ca, *wordPolicy())
	dir := t.TempDir()
	script := `set -e
curl -sSk "$URL/ca" -o ca.pem
openssl x509 -in ca.pem -noout -fingerprint -sha256
umask 077
openssl ecparam -name prime256v1 -genkey -noout -out client.key
printf '[req]\nprompt=no\ndistinguished_name=dn\nattributes=a\n[dn]\nCN=web1\n[a]\nchallengePassword=%s\n' "$WORD" >csr.conf
openssl req -new -config csr.conf -key client.key -out client.csr
rm csr.conf
curl -sSf --cacert ca.pem --data-binary @client.csr "$URL/sign" -o client.pem
openssl verify -CAfile ca.pem -purpose sslclient client.pem
openssl req -new -subj /CN=web1 -key client.key -out renew.csr
curl -sSf --cacert ca.pem --cert client.pem --key client.key --data-binary @renew.csr "$URL/renew" -o new.pem
openssl verify -CAfile ca.pem -purpose sslclient new.pem
curl -sSf --cacert ca.pem "$URL/crl" -o crl.pem
openssl crl -in crl.pem -CAfile ca.pem -noout
openssl verify -CAfile ca.pem -CRLfile crl.pem -crl_check new.pem
`
	run := func(script string) string {
		c := exec.Command("/bin/sh", "-c", script)
		c.Dir = dir
		c.Env = append(os.Environ(), "URL="+strings.Replace(url, "127.0.0.1", "localhost", 1), "WORD="+word)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	out := run(script)
	_, seen, _ := strings.Cut(out, "Fingerprint=")
	seen, _, _ = strings.Cut(seen, "\n")
	if got, err := ParseFingerprint(seen); err != nil || got != ca.Fingerprint() {
		t.Errorf("%s, %v", got, err)
	}
	renewed, err := ReadCertificate(filepath.Join(dir, "new.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Revoke(serialText(renewed)); err != nil {
		t.Fatal(err)
	}
	out = run(`curl -sSf --cacert ca.pem "$URL/crl" -o crl.pem
! openssl verify -CAfile ca.pem -CRLfile crl.pem -crl_check new.pem
! openssl verify -CAfile ca.pem -CRLfile crl.pem -crl_check client.pem
openssl req -new -subj /CN=web1 -key client.key -out renew.csr
curl -sS --cacert ca.pem --cert new.pem --key client.key --data-binary @renew.csr "$URL/renew"`)
	if !strings.Contains(out, "revoked") || !strings.Contains(out, `"error":"forbidden"`) {
		t.Errorf("%s", out)
	}
}

// TestSignerConns: one address has only so many connections, and leaves the rest to others.
func TestSignerConns(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBounded(l)
	defer b.Close()
	accepted := make(chan net.Conn, 2*maxSignFrom)
	go func() {
		defer close(accepted)
		for {
			c, err := b.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	var mine []net.Conn
	for range maxSignFrom {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		mine = append(mine, <-accepted)
	}
	over, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer over.Close()
	if n, err := over.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("one too many: %d, %v", n, err)
	}
	mine[0].Close()
	again, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	(<-accepted).Close()
	if n := len(b.slots); n != maxSignFrom { // of those that are open, and of the one to come
		t.Errorf("%d slots are taken, want %d", n, maxSignFrom)
	}
}
