package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeCA is an ACME server (RFC 8555) with one order at a time. It checks one kind of challenge, at a server whose addresses it
// is told, and believes signatures.
type fakeCA struct {
	*httptest.Server
	t         *testing.T
	challenge string // http-01 or tls-alpn-01
	plain     string // address of the server's plain HTTP
	secure    string // and of its TLS
	key       *ecdsa.PrivateKey
	cert      *x509.Certificate

	mu     sync.Mutex
	domain string
	proven bool
	issued []byte // PEM
	orders int
	left   time.Duration // of the 90 days of certificates
	most   int           // orders that are taken; 0: any number
}

const acmeToken = "token-of-the-challenge"

func newFakeCA(t *testing.T, challenge string) *fakeCA {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fake CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	ca := &fakeCA{t: t, challenge: challenge, key: key, left: 90*24*time.Hour - time.Hour}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	ca.Server = httptest.NewServer(ca)
	t.Cleanup(ca.Close)
	return ca
}

func (ca *fakeCA) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ca.mu.Lock()
	defer ca.mu.Unlock()
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	answer := func(status int, body map[string]any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	var payload struct {
		Identifiers []struct{ Value string }
		CSR         string
	}
	ca.payload(r, &payload)
	switch r.URL.Path {
	case "/directory":
		answer(200, map[string]any{"newNonce": ca.URL + "/nonce", "newAccount": ca.URL + "/account", "newOrder": ca.URL + "/order"})
	case "/nonce":
	case "/account":
		w.Header().Set("Location", ca.URL+"/account/1")
		answer(201, map[string]any{"status": "valid"})
	case "/order":
		if ca.most > 0 && ca.orders == ca.most {
			answer(403, map[string]any{"type": "urn:ietf:params:acme:error:unauthorized"})
			return
		}
		ca.domain, ca.proven, ca.issued = payload.Identifiers[0].Value, false, nil
		ca.orders++
		w.Header().Set("Location", ca.URL+"/order/1")
		answer(201, ca.order())
	case "/order/1":
		answer(200, ca.order())
	case "/authz/1":
		status := "pending"
		if ca.proven {
			status = "valid"
		}
		answer(200, map[string]any{"status": status, "identifier": map[string]string{"type": "dns", "value": ca.domain},
			"challenges": []any{map[string]string{"type": ca.challenge, "url": ca.URL + "/challenge/1", "token": acmeToken, "status": status}}})
	case "/challenge/1":
		if err := ca.prove(); err != nil {
			ca.t.Errorf("%s: %v", ca.challenge, err)
		} else {
			ca.proven = true
		}
		answer(200, map[string]any{"type": ca.challenge, "url": ca.URL + "/challenge/1", "token": acmeToken, "status": "processing"})
	case "/finalize/1":
		if err := ca.issue(payload.CSR); err != nil {
			ca.t.Error(err)
		}
		answer(200, ca.order())
	case "/certificate/1":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(ca.issued)
	default:
		http.NotFound(w, r)
	}
}

// payload decodes what a JWS holds.
func (ca *fakeCA) payload(r *http.Request, into any) {
	var jws struct{ Payload string }
	if r.Method != http.MethodPost || json.NewDecoder(r.Body).Decode(&jws) != nil || jws.Payload == "" {
		return
	}
	text, err := base64.RawURLEncoding.DecodeString(jws.Payload)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		ca.t.Error(err)
	}
}

func (ca *fakeCA) order() map[string]any {
	o := map[string]any{"status": "pending", "identifiers": []any{map[string]string{"type": "dns", "value": ca.domain}},
		"authorizations": []string{ca.URL + "/authz/1"}, "finalize": ca.URL + "/finalize/1"}
	if ca.proven {
		o["status"] = "ready"
	}
	if ca.issued != nil {
		o["status"], o["certificate"] = "valid", ca.URL+"/certificate/1"
	}
	return o
}

// prove does what the challenge asks for at the server.
func (ca *fakeCA) prove() error {
	if ca.challenge == "http-01" {
		r, err := http.NewRequest("GET", "http://"+ca.plain+"/.well-known/acme-challenge/"+acmeToken, nil)
		if err != nil {
			return err
		}
		r.Host = ca.domain
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer res.Body.Close()
		if text, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 || !strings.HasPrefix(string(text), acmeToken+".") {
			return fmt.Errorf("%s %s %w", res.Status, text, err)
		}
		return nil
	}
	c, err := tls.Dial("tcp", ca.secure, &tls.Config{ServerName: ca.domain, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err != nil {
		return err
	}
	defer c.Close()
	idPeAcmeIdentifier := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 31}
	for _, x := range c.ConnectionState().PeerCertificates[0].Extensions {
		if x.Id.Equal(idPeAcmeIdentifier) {
			return nil
		}
	}
	return errors.New("no answer in the certificate")
}

func (ca *fakeCA) issue(csrText string) error {
	der, err := base64.RawURLEncoding.DecodeString(csrText)
	if err != nil {
		return err
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return err
	}
	end := time.Now().Add(ca.left)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: end.Add(-90 * 24 * time.Hour), NotAfter: end, DNSNames: csr.DNSNames}
	if der, err = x509.CreateCertificate(rand.Reader, tmpl, ca.cert, csr.PublicKey, ca.key); err != nil {
		return err
	}
	for _, c := range [][]byte{der, ca.cert.Raw} {
		ca.issued = append(ca.issued, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c})...)
	}
	return nil
}

// TestACME gets a certificate by either challenge, and takes it from the directory after a restart.
func TestACME(t *testing.T) {
	t.Parallel()
	for _, challenge := range []string{"http-01", "tls-alpn-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			ca := newFakeCA(t, challenge)
			cache := filepath.Join(t.TempDir(), "acme")
			var log safeBuffer
			start := func() {
				a := NewACME(ACMEOptions{Domains: []string{"log.example.com"}, Directory: ca.URL + "/directory", Email: "a@example.com", Cache: cache,
					Log: slog.New(slog.NewTextHandler(&log, nil))})
				door := newDoor(newFakeCouch())
				ca.secure = serveAt(t, door, door, a.TLSConfig()).String()
				ca.plain = serveAt(t, door, a.Redirect(&net.TCPAddr{Port: 443}), nil).String()
			}
			start()
			roots := x509.NewCertPool()
			roots.AddCert(ca.cert)
			dial := func(name string) error {
				c, err := tls.Dial("tcp", ca.secure, &tls.Config{ServerName: name, RootCAs: roots, NextProtos: []string{"http/1.1"}})
				if err != nil {
					return err
				}
				defer c.Close()
				_, err = fmt.Fprint(c, "GET / HTTP/1.0\r\n\r\n")
				if text, _ := io.ReadAll(c); !strings.Contains(string(text), "Welcome") {
					t.Errorf("the door answers %q, %v", text, err)
				}
				return nil
			}
			for range 2 {
				if err := dial("log.example.com"); err != nil {
					t.Fatalf("%v; %s", err, log.String())
				}
			}
			if dial("other.example.com") == nil {
				t.Error("there is a certificate for any name")
			}
			start()
			if err := dial("log.example.com"); err != nil || ca.orders != 1 {
				t.Errorf("after a restart: %v, %d orders", err, ca.orders)
			}
			err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
				info, statErr := d.Info()
				if err != nil || statErr != nil || info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s may be read by others: %v, %v, %v", path, info.Mode(), err, statErr)
				}
				return nil
			})
			if names, _ := os.ReadDir(cache); err != nil || len(names) < 2 {
				t.Errorf("%d files are kept, %v", len(names), err)
			}
		})
	}
}

// TestACMEFails: the log says why there is no certificate, once, and nobody else does.
func TestACMEFails(t *testing.T) {
	t.Parallel()
	ca := httptest.NewServer(http.NotFoundHandler())
	defer ca.Close()
	var log safeBuffer
	a := NewACME(ACMEOptions{Domains: []string{"log.example.com"}, Directory: ca.URL, Cache: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
	door := New(Options{Upstream: untouched(t)})
	addr := serveAt(t, door, door, a.TLSConfig())
	for _, name := range []string{"LOG.example.com", "log.example.com", "other.example.com"} {
		if c, err := tls.Dial("tcp", addr.String(), &tls.Config{ServerName: name, InsecureSkipVerify: true}); err == nil {
			c.Close()
			t.Errorf("a certificate for %s", name)
		}
	}
	if text := log.String(); strings.Count(text, "no certificate from the CA") != 1 || !strings.Contains(text, "domain=LOG.example.com") || strings.Contains(text, "other.example.com") {
		t.Error(text)
	}
}

// TestACMELate: the log says that a certificate is not renewed, once, and not of one that will be in time.
func TestACMELate(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for _, tt := range []struct {
		left time.Duration
		want int
	}{{16 * day, 0}, {14 * day, 1}} {
		ca := newFakeCA(t, "tls-alpn-01")
		ca.left, ca.most = tt.left, 1
		var log safeBuffer
		a := NewACME(ACMEOptions{Domains: []string{"log.example.com"}, Directory: ca.URL + "/directory", Cache: t.TempDir(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		door := New(Options{Upstream: untouched(t)})
		ca.secure = serveAt(t, door, door, a.TLSConfig()).String()
		for range 2 {
			c, err := tls.Dial("tcp", ca.secure, &tls.Config{ServerName: "log.example.com", InsecureSkipVerify: true})
			if err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		if text := log.String(); strings.Count(text, "certificate not renewed") != tt.want || strings.Count(text, "\n") != tt.want {
			t.Errorf("%v before its end: %s", tt.left, text)
		}
	}
}

// TestACMEChallengePaths asks as a stranger for answers to challenges that nobody set. There are none, and what is told of the files
// that they would be in is nothing.
func TestACMEChallengePaths(t *testing.T) {
	t.Parallel()
	ca := httptest.NewServer(http.NotFoundHandler())
	defer ca.Close()
	cache := t.TempDir()
	if err := os.WriteFile(filepath.Join(cache, "log.example.com"), []byte("a key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(cache, "dir+http-01"), 0o700); err != nil { // that it can't read
		t.Fatal(err)
	}
	h := NewACME(ACMEOptions{Domains: []string{"log.example.com"}, Directory: ca.URL, Cache: cache}).Redirect(&net.TCPAddr{Port: 443})
	for _, token := range []string{"", "x", strings.Repeat("x", 300), "%00", "dir", "log.example.com", "../log.example.com", "%2e%2e%2flog.example.com%00", "acme_account+key"} {
		r := newRequest("GET", "/.well-known/acme-challenge/"+token, "")
		r.Host = "log.example.com"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if text := w.Body.String(); w.Code != 404 || strings.Contains(text, cache) || strings.Contains(text, "a key") {
			t.Errorf("%q: %d %s", token, w.Code, text)
		}
	}
}
