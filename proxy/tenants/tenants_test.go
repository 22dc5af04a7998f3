package tenants

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const twoTenants = `
[[client]]
dns = "*.acme.example.com"
tenant = "acme"
may = ["write"]

[[client]]
cn = "grafana"
o = "Acme"
tenant = "acme"
apps = ["shop"]
may = ["read"]

[[client]]
uri = "spiffe://globex/*"
tenant = "globex"
may = ["read", "write"]

[[client]]
cn = "web*"
apps = ["fail2ban", "auth"]
may = ["write"]
`

func TestTable(t *testing.T) {
	t.Parallel()
	tb, err := parseTable([]byte(twoTenants))
	if err != nil {
		t.Fatal(err)
	}
	uri := func(s string) []*url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return []*url.URL{u}
	}
	for _, tt := range []struct {
		cert *x509.Certificate
		want string
	}{
		{&x509.Certificate{DNSNames: []string{"x", "Web1.ACME.example.com"}}, "{ [] acme false true}"},
		{&x509.Certificate{DNSNames: []string{"a.b.acme.example.com"}}, ""},
		{&x509.Certificate{DNSNames: []string{"acme.example.com"}}, ""},
		{&x509.Certificate{DNSNames: []string{"web1.acme.example.com.evil.org"}}, ""},
		{&x509.Certificate{Subject: pkix.Name{CommonName: "grafana", Organization: []string{"Acme"}}}, "{grafana [acme_shop]  true false}"},
		{&x509.Certificate{Subject: pkix.Name{CommonName: "grafana", Organization: []string{"Other"}}}, ""},
		{&x509.Certificate{Subject: pkix.Name{CommonName: "grafana"}}, ""},
		{&x509.Certificate{URIs: uri("spiffe://globex/web1")}, "{ [] globex true true}"},
		{&x509.Certificate{URIs: uri("spiffe://globex/a/b")}, ""},
		{&x509.Certificate{Subject: pkix.Name{CommonName: "web1"}}, "{web1 [fail2ban auth]  false true}"},
		{&x509.Certificate{Subject: pkix.Name{CommonName: "web1.evil.org"}}, ""},
		{&x509.Certificate{}, ""},
	} {
		g, ok := tb.find(tt.cert)
		if got := fmt.Sprint(g); ok != (tt.want != "") || ok && got != tt.want {
			t.Errorf("%v %v %v: %v %s, want %s", tt.cert.Subject, tt.cert.DNSNames, tt.cert.URIs, ok, got, tt.want)
		}
	}
	c := &Clients{table: &file[*table]{path: "none", value: tb}}
	for app, want := range map[string]bool{"acme_shop": true, "globex_x_y": true, "acme": false, "acmeshop": false, "fail2ban": false, "acm_e": false} {
		if c.Owned(app) != want {
			t.Errorf("%s owned: %v", app, !want)
		}
	}
}

func TestTableMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`x = 1`:      "no setting x",
		`[[client]]`: "fits every certificate",
		"[[client]]\ncn = \"a\"\nmay = [\"read\"]":                                       "for nothing",
		"[[client]]\ncn = \"a\"\ntenant = \"a\"":                                         "may do nothing",
		"[[client]]\ncn = \"a\"\ntenant = \"a_b\"\nmay = [\"read\"]":                     "must have lower case",
		"[[client]]\ncn = \"a\"\ntenant = \"a\"\nmay = [\"delete\"]":                     "neither read nor write",
		"[[client]]\ncn = \"a\"\ntenant = \"a\"\napps = [\"X\"]\nmay = [\"read\"]":       `app "a_X"`,
		"[[client]]\ncn = \"a\"\ntenant = \"a\"\napps = [\"rejects\"]\nmay = [\"read\"]": "called rejects",
		"[[client]]\ncn = \"a\"\ntenant = \"a\"\nmay = [\"read\"]\nmight = 1":            "no setting client.might",
		"[[client]\n": "line ",
	} {
		if _, err := parseTable([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzGlob(f *testing.F) {
	f.Add("*.a.*", "x.a.y")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 20 || len(s) > 40 || strings.Count(pattern, "*") > 3 {
			return
		}
		if !strings.Contains(pattern, "*") && glob(pattern, s) != (pattern == s) {
			t.Errorf("%q and %q", pattern, s)
		}
		if glob(pattern, s) && strings.Count(s, ".") != strings.Count(pattern, ".") {
			t.Errorf("%q fits %q: a star stands for a dot", pattern, s)
		}
	})
}

// authority is a CA for tests.
type authority struct {
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "CA"}, NotAfter: time.Now().Add(2 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{t, key, cert}
}

func (a *authority) issue(number int64, name string) *x509.Certificate {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: name},
		NotAfter: time.Now().Add(time.Hour)}, a.cert, a.key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert
}

func (a *authority) crl(number int64, serials ...int64) []byte {
	a.t.Helper()
	list := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: time.Now(), NextUpdate: time.Now().Add(time.Hour)}
	for _, s := range serials {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{SerialNumber: big.NewInt(s), RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
}

// replace puts a file in place as a CA does: whole.
func replace(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// TestFilesAreReadAgain revokes a certificate, changes the table, and damages both.
func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir, ca, other := t.TempDir(), newAuthority(t), newAuthority(t)
	o := Options{CA: filepath.Join(dir, "ca.pem"), CRL: filepath.Join(dir, "crl.pem"), Table: filepath.Join(dir, "tenants.toml")}
	if _, err := Open(o); err == nil {
		t.Error("no files, and no error")
	}
	replace(t, o.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}))
	replace(t, o.CRL, ca.crl(1, 7))
	replace(t, o.Table, []byte(twoTenants))
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	want := x509.NewCertPool()
	if want.AddCert(ca.cert); !c.Pool().Equal(want) {
		t.Error("the pool is not the CA")
	}
	check := func(when string, serial int64, want string) {
		t.Helper()
		g, ok, err := c.Find([]*x509.Certificate{ca.issue(serial, "web1"), ca.cert}, time.Now())
		got := fmt.Sprint(g.Apps)
		if err != nil {
			got = err.Error()
		} else if !ok {
			got = "unknown"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	const gone = "The client certificate has been revoked."
	check("revoked from the start", 7, gone)
	check("good", 8, "[fail2ban auth]")
	replace(t, o.CRL, ca.crl(2, 7, 8))
	check("revoked now", 8, gone)
	replace(t, o.CRL, other.crl(3))
	check("a list that somebody else has signed", 8, gone)
	replace(t, o.CRL, nil)
	check("an empty list", 8, gone)
	if err := os.Remove(o.CRL); err != nil {
		t.Fatal(err)
	}
	check("no list", 8, gone)
	replace(t, o.CRL, ca.crl(4, 7))
	check("a list without it", 8, "[fail2ban auth]")
	replace(t, o.Table, []byte(strings.ReplaceAll(twoTenants, "web*", "db*")))
	check("no more in the table", 8, "unknown")
	replace(t, o.Table, []byte("[["))
	check("a damaged table", 8, "unknown")
	if _, _, err := c.Find([]*x509.Certificate{ca.issue(9, "web1")}, time.Now().Add(2*time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("too old: %v", err)
	}
	long := ca.issue(10, "web1")
	long.NotAfter = long.NotAfter.Add(4 * time.Hour)
	if _, _, err := c.Find([]*x509.Certificate{long, ca.cert}, time.Now().Add(3*time.Hour)); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("a certificate of a CA that has ended: %v", err)
	}
}

// TestListBeforeItsCA: a revocation list that comes before the CA that has signed it counts when that is there. Until then what was said
// before does, and the log tells once of it.
func TestListBeforeItsCA(t *testing.T) {
	t.Parallel()
	dir, ca, next := t.TempDir(), newAuthority(t), newAuthority(t)
	o := Options{CA: filepath.Join(dir, "ca.pem"), CRL: filepath.Join(dir, "crl.pem"), Table: filepath.Join(dir, "tenants.toml")}
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	block := func(a *authority) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	}
	replace(t, o.CA, block(ca))
	replace(t, o.CRL, ca.crl(1, 7))
	replace(t, o.Table, []byte(twoTenants))
	synctest.Test(t, func(t *testing.T) {
		c, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		isRevoked := func(a *authority, serial int64) bool {
			cert := a.issue(serial, "web1")
			_, _, err := c.Find([]*x509.Certificate{cert, a.cert}, cert.NotAfter.Add(-time.Second))
			return errors.Is(err, errRevoked)
		}
		replace(t, o.CRL, append(ca.crl(2, 7, 8), next.crl(1, 9)...))
		for range 10 {
			if !isRevoked(ca, 7) || isRevoked(ca, 8) {
				t.Error("what was said before does not count")
			}
		}
		replace(t, o.CA, append(block(ca), block(next)...))
		time.Sleep(readAgain)
		if !isRevoked(ca, 8) || !isRevoked(next, 9) {
			t.Error("the list does not count when its CA has come")
		}
		if n := strings.Count(said.String(), "can't be read"); n != 1 {
			t.Errorf("told %d times: %s", n, said.String())
		}
	})
}

// TestOutdatedList: when a list should have been replaced by a newer one, certificates of its CA are refused, revoked ones as before.
func TestOutdatedList(t *testing.T) {
	t.Parallel()
	dir, ca := t.TempDir(), newAuthority(t)
	o := Options{CA: filepath.Join(dir, "ca.pem"), CRL: filepath.Join(dir, "crl.pem"), Table: filepath.Join(dir, "tenants.toml")}
	var said bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&said, nil))
	replace(t, o.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw}))
	replace(t, o.CRL, ca.crl(1, 7))
	replace(t, o.Table, []byte(twoTenants))
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := ca.issue(8, "web1"), ca.issue(7, "web1")
	good.NotAfter, bad.NotAfter = good.NotAfter.Add(time.Hour), bad.NotAfter.Add(time.Hour)
	find := func(cert *x509.Certificate, now time.Time) error {
		_, _, err := c.Find([]*x509.Certificate{cert, ca.cert}, now)
		return err
	}
	now := time.Now()
	if err := find(good, now); err != nil {
		t.Error(err)
	}
	for range 3 {
		now = now.Add(61 * time.Minute / 3)
		if err := find(bad, now); !errors.Is(err, errRevoked) {
			t.Errorf("revoked: %v", err)
		}
	}
	for range 3 {
		if err := find(good, now); !errors.Is(err, errOutdated) {
			t.Errorf("outdated: %v", err)
		}
	}
	if n := strings.Count(said.String(), "out of date"); n != 1 {
		t.Errorf("it was told %d times:\n%s", n, said.String())
	}
}
