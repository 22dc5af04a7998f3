package proxy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/proxy/tenants"
)

// testCA issues certificates for a server at 127.0.0.1 and for its clients.
type testCA struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newTestCA(t testing.TB) *testCA {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &testCA{t: t, key: key, cert: &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}}
	ca.cert = ca.issue(1, ca.cert).Leaf
	return ca
}

func (ca *testCA) issue(serial int64, tmpl *x509.Certificate) tls.Certificate {
	ca.t.Helper()
	tmpl.SerialNumber, tmpl.NotAfter = big.NewInt(serial), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, tmpl, ca.cert, ca.key.Public(), ca.key)
	if err != nil {
		ca.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		ca.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: ca.key, Leaf: leaf}
}

func (ca *testCA) client(serial int64, name string) tls.Certificate {
	ca.t.Helper()
	return ca.issue(serial, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

func (ca *testCA) write(path string) {
	ca.t.Helper()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		ca.t.Fatal(err)
	}
}

func (ca *testCA) revoke(path string, serials ...int64) {
	ca.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(time.Now().UnixNano()), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, ca.cert, ca.key)
	if err == nil {
		err = os.WriteFile(path+".new", pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		ca.t.Fatal(err)
	}
}

const tenantTable = `
[[client]]
cn = "*.acme"
tenant = "acme"
may = ["write"]

[[client]]
cn = "eyes.globex"
tenant = "globex"
may = ["read"]
`

// newTenants are the clients of a table, in files.
func newTenants(t testing.TB, ca *testCA) (clients *tenants.Clients, crl string) {
	t.Helper()
	dir := t.TempDir()
	o := tenants.Options{CA: filepath.Join(dir, "ca.pem"), CRL: filepath.Join(dir, "crl.pem"), Table: filepath.Join(dir, "tenants.toml")}
	ca.write(o.CA)
	ca.revoke(o.CRL)
	if err := os.WriteFile(o.Table, []byte(tenantTable), 0o600); err != nil {
		t.Fatal(err)
	}
	clients, err := tenants.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return clients, o.CRL
}

// TestCertificates asks over TLS as machines of two tenants, as one that the table does not know, and as a stranger.
func TestCertificates(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	clients, crl := newTenants(t, ca)
	caFile := filepath.Join(filepath.Dir(crl), "ca.pem")
	f := newFakeCouch()
	f.dbs = map[string]map[string]string{"log_app": {}, "log_acme_shop": {}, "log_globex_shop": {}}
	door := New(Options{Upstream: f, Clients: clients, AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") })})
	conf := &tls.Config{Certificates: []tls.Certificate{ca.issue(2, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}}
	AskForCertificates(conf, clients.Pool)
	addr := serveAt(t, door, door, conf)

	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	as := func(certs ...tls.Certificate) func(method, path, body string, headers ...string) (int, string) {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certs}}
		t.Cleanup(tr.CloseIdleConnections)
		return func(method, path, body string, headers ...string) (int, string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, "https://"+addr.String()+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", jsonType)
			for i := 0; i+1 < len(headers); i += 2 {
				r.Header.Set(headers[i], headers[i+1])
			}
			res, err := tr.RoundTrip(r)
			if err != nil {
				return 0, err.Error()
			}
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(text)
		}
	}
	web, eyes, other, nobody := as(ca.client(10, "web1.acme")), as(ca.client(11, "eyes.globex")), as(ca.client(12, "web1")), as()
	for _, tt := range []struct {
		name         string
		ask          func(method, path, body string, headers ...string) (int, string)
		method, path string
		want         int
	}{
		{"acme writes", web, "POST", "/log_acme_shop", 201},
		{"acme writes, no database", web, "POST", "/log_acme_none", 404},
		{"acme does not read", web, "GET", "/log_acme_shop/_all_docs", 403},
		{"acme writes to another's", web, "POST", "/log_globex_shop", 403},
		{"acme writes to nobody's", web, "POST", "/log_app", 403},
		{"acme writes to another's that is not there", web, "POST", "/log_globex_none", 403},
		{"globex reads", eyes, "GET", "/log_globex_shop/_all_docs", 200},
		{"globex reads another's", eyes, "GET", "/log_acme_shop/_all_docs", 403},
		{"globex does not write", eyes, "POST", "/log_globex_shop", 403},
		{"no entry writes as a stranger", other, "POST", "/log_app", 201},
		{"no entry and a tenant's", other, "POST", "/log_acme_shop", 401},
		{"a stranger writes", nobody, "POST", "/log_app", 201},
		{"a stranger and a tenant's", nobody, "POST", "/log_acme_shop", 401},
		{"a stranger and a tenant's that is not there", nobody, "POST", "/log_acme_none", 401},
		{"a stranger reads", nobody, "GET", "/log_acme_shop", 401},
	} {
		if code, text := tt.ask(tt.method, tt.path, `{"a":1}`); code != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.name, code, text, tt.want)
		}
	}
	// What the request says comes first.
	if code, text := web("GET", "/log_app/_all_docs", "", "Authorization", "Basic cmVhZGVyOnB3"); code != 200 {
		t.Errorf("an account with a certificate: %d %s", code, text)
	}
	if code, text := web("GET", "/_session", ""); code != 200 || !strings.Contains(text, `"name":"certificate:web1.acme"`) {
		t.Errorf("who am I: %d %s", code, text)
	}
	// Connections outlast revocations.
	ca.revoke(crl, 10)
	if code, text := web("POST", "/log_acme_shop", `{"a":1}`); code != 403 || !strings.Contains(text, "has been revoked") {
		t.Errorf("revoked: %d %s", code, text)
	}
	next := newTestCA(t)
	if code, _ := as(next.client(13, "web1.acme"))("POST", "/log_acme_shop", `{"a":1}`); code == 201 {
		t.Error("another CA's certificate is good")
	}
	// A new CA counts at once, and one that is left out doesn't any more, also on connections that are open.
	before := as(ca.client(14, "web2.acme"))
	if code, text := before("POST", "/log_acme_shop", `{"a":1}`); code != 201 {
		t.Errorf("before the CA is changed: %d %s", code, text)
	}
	next.write(caFile)
	if code, text := as(next.client(13, "web1.acme"))("POST", "/log_acme_shop", `{"a":1}`); code != 201 {
		t.Errorf("a new CA's certificate: %d %s", code, text)
	}
	if code, text := before("POST", "/log_acme_shop", `{"a":1}`); code != 403 || !strings.Contains(text, "not trusted any more") {
		t.Errorf("an open connection of the old CA's: %d %s", code, text)
	}
	if code, text := as(ca.client(15, "web3.acme"))("POST", "/log_acme_shop", `{"a":1}`); code != 0 {
		t.Errorf("a new connection of the old CA's: %d %s", code, text)
	}
}
