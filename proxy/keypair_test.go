package proxy

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestCertificateChanges replaces the files of a server's certificate, one after the other, by others and by what is none.
func TestCertificateChanges(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := makeCert(t)
	otherCert, otherKey, _ := makeCert(t)
	var log safeBuffer
	conf, err := TLSConfig(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	served := func() string {
		t.Helper()
		c, err := conf.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			t.Fatal(err)
		}
		return string(c.Certificate[0])
	}
	inFile := func(file string) string {
		pair, err := tls.LoadX509KeyPair(file, otherKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x509.ParseCertificate(pair.Certificate[0]); err != nil {
			t.Fatal(err)
		}
		return string(pair.Certificate[0])
	}
	replace := func(file, by string) {
		t.Helper()
		text, err := os.ReadFile(by)
		if err != nil {
			t.Fatal(err)
		}
		// Another size makes sure that the change is seen where a file's time is a coarse one.
		if err := os.WriteFile(file+".new", append(text, strings.Repeat("\n", 1+len(text)%7)...), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	first, second := served(), inFile(otherCert)
	replace(certFile, otherCert)
	for range 5 {
		if served() != first {
			t.Error("half of a new pair is in use")
		}
	}
	if n := strings.Count(log.String(), "no pair"); n != 1 {
		t.Errorf("told %d times: %s", n, log.String())
	}
	replace(keyFile, otherKey)
	if served() != second {
		t.Error("the new pair is not in use")
	}
	if err := os.Remove(keyFile); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if served() != second {
			t.Error("without a key the old pair is not in use")
		}
	}
	if strings.Contains(log.String(), "PRIVATE") || strings.Count(log.String(), "no pair") != 2 {
		t.Error(log.String())
	}
}

// TestCertificateReadLater: files that look as they did when they could not be read are read again.
func TestCertificateReadLater(t *testing.T) {
	t.Parallel()
	certFile, keyFile, _ := makeCert(t)
	otherCert, otherKey, _ := makeCert(t)
	put := func(file string, text []byte) { // at a time that is always the same
		t.Helper()
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	var texts [2][]byte
	for i, file := range []string{otherCert, otherKey} {
		var err error
		if texts[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	var log safeBuffer
	synctest.Test(t, func(t *testing.T) {
		p := &keyPair{files: [2]string{certFile, keyFile}, log: slog.New(slog.NewTextHandler(&log, nil))}
		if err := p.load(); err != nil {
			t.Fatal(err)
		}
		first := p.cert
		same := func(when string, want bool) {
			t.Helper()
			if c, err := p.get(nil); err != nil || (c == first) != want {
				t.Errorf("%s: the old pair is in use: %v, %v", when, c == first, err)
			}
		}
		put(certFile, texts[0])
		put(keyFile, bytes.Repeat([]byte("x"), len(texts[1])))
		for range 3 {
			same("no pair", true)
			time.Sleep(2 * readAgain)
		}
		same("no pair, read again", true)
		put(keyFile, texts[1])
		same("at once", true)
		time.Sleep(readAgain)
		same("later", false)
		if n := strings.Count(log.String(), "no pair"); n != 1 {
			t.Errorf("told %d times: %s", n, log.String())
		}
	})
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
