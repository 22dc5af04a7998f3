package lines

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"testing"
	"time"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	pair := a.issue(t, "authority")
	a.cert, a.key = pair.Leaf, pair.PrivateKey.(*ecdsa.PrivateKey)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := cert, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// Lines and syslog over TLS: certificates of clients route their lines, and those of somebody else's get nothing in.
func TestTLS(t *testing.T) {
	t.Parallel()
	ours, others := newAuthority(t), newAuthority(t)
	s, sink := start(t, Options{
		SyslogTLS: "127.0.0.1:0", LinesTLS: "127.0.0.1:0",
		TLS: &tls.Config{Certificates: []tls.Certificate{ours.issue(t, "server")}, ClientCAs: ours.pool, ClientAuth: tls.RequireAndVerifyClientCert},
	}, "[[route]]\ncertificate = 'CN=fw*,O=Example'\napp = 'firewall'\n")
	dial := func(input string, by *authority, name string) *tls.Conn {
		conf := &tls.Config{RootCAs: ours.pool}
		if by != nil {
			conf.Certificates = []tls.Certificate{by.issue(t, name)}
		}
		conn, err := tls.Dial("tcp", s.Addresses()[input], conf)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return conn
	}
	if _, err := io.WriteString(dial("lines-tls", ours, "fw1"), "9 <13> lines are not counted\n"); err != nil {
		t.Fatal(err)
	}
	doc := by(t, sink.wait(t, "log_firewall", 1), "message", "9 <13> lines are not counted")
	if doc["machine"] != "fw1" || doc["connection_hostname"] != "127.0.0.1" || doc["host"] != nil {
		t.Errorf("%v", doc)
	}
	if _, err := io.WriteString(dial("syslog-tls", ours, "web1"), "11 <13>counted"); err != nil {
		t.Fatal(err)
	}
	by(t, sink.wait(t, "log_syslog", 1), "message", "<13>counted")

	for name, signer := range map[string]*authority{"somebody else's": others, "none": nil} {
		conn := dial("syslog-tls", signer, "web1")
		_, _ = io.WriteString(conn, "11 <13>stranger")
		if _, err := io.ReadAll(conn); err == nil {
			t.Errorf("%s certificate: no error", name)
		}
	}
	plain := send(t, "tcp", s.Addresses()["lines-tls"], "no TLS at all\n")
	_, _ = io.ReadAll(plain)
	// Who has no TLS hears of it before it is counted.
	for end := time.Now().Add(time.Minute); s.Counters().Secure.Load() < 3 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if n := s.Counters().Secure.Load(); n != 3 {
		t.Errorf("%d failures of TLS are counted, want 3", n)
	}
	if n := sink.count("log_syslog") + sink.count("log_lines"); n != 1 {
		t.Errorf("%d docs", n)
	}
}
