package ca

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/store"
)

// newCA makes a CA in a directory of its own.
func newCA(t *testing.T) *CA {
	t.Helper()
	dir := t.TempDir()
	if _, made, err := Init(dir, "test CA"); err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	return openCA(t, dir)
}

func openCA(t *testing.T, dir string) *CA {
	t.Helper()
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCSR(t *testing.T, key *ecdsa.PrivateKey, name, secret string) []byte {
	t.Helper()
	text, err := NewRequest(key, name, secret)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const word = "the secret word"

func wordPolicy() *Policy {
	return &Policy{Word: func() (string, error) { return word, nil }}
}

func (c *CA) mustSign(t *testing.T, p *Policy, csr []byte) *x509.Certificate {
	t.Helper()
	text, _, err := c.Sign(p, csr, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	cert, err := parseCertificate(text)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestInitTwice(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "ca")
	first, made, err := Init(dir, "x")
	if err != nil || !made {
		t.Fatalf("made %v, %v", made, err)
	}
	again, made, err := Init(dir, "y")
	if err != nil || made || again != first {
		t.Errorf("again: made %v, %s, want %s, %v", made, again, first, err)
	}
	for name, mode := range map[string]os.FileMode{keyFile: 0o600, logFile: 0o600, rootFile: 0o644} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	// What a crash has cut off is completed.
	for _, name := range []string{crlFile, logFile, rootFile} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if _, made, err := Init(dir, "x"); err != nil || !made {
		t.Errorf("completed: made %v, %v", made, err)
	}
	if err := os.Remove(filepath.Join(dir, keyFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Init(dir, "x"); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("a root without its key: %v", err)
	}
	if _, err := Open(t.TempDir()); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("no CA: %v", err)
	}
}

func TestSignByWord(t *testing.T) {
	t.Parallel()
	c, p := newCA(t), wordPolicy()
	key := newKey(t)
	cert := c.mustSign(t, p, newCSR(t, key, "web1.example.com", word))
	_, err := cert.Verify(x509.VerifyOptions{Roots: c.pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil || cert.Subject.String() != "CN=web1.example.com" || len(cert.DNSNames) != 1 || cert.IsCA || !cert.BasicConstraintsValid {
		t.Errorf("%v %v %v", cert.Subject, cert.DNSNames, err)
	}
	if life := time.Until(cert.NotAfter); life > DefaultLife || life < DefaultLife-time.Hour {
		t.Errorf("life %v", life)
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: c.pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}); err == nil {
		t.Error("good for a server")
	}
	if again := c.mustSign(t, p, newCSR(t, key, "web1.example.com", word)); !again.Equal(cert) {
		t.Error("the same request got another certificate")
	}
	if _, _, err := c.Sign(p, newCSR(t, newKey(t), "web1.example.com", word), ""); !store.IsKind(err, store.KindConflict) {
		t.Errorf("a held name goes to another key: %v", err)
	}
	if _, err := c.Revoke("web1.example.com"); err != nil {
		t.Fatal(err)
	}
	c.mustSign(t, p, newCSR(t, newKey(t), "web1.example.com", word))
}

func TestWrongSecrets(t *testing.T) {
	t.Parallel()
	c := newCA(t)
	bound, err := c.NewCode("web1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	late, err := c.NewCode("", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"", "x", word + "x", strings.ToUpper(word), bound, late, hashCode(bound), strings.Repeat("x", maxChallenge)} {
		_, wrong, err := c.Sign(wordPolicy(), newCSR(t, newKey(t), "web2", secret), "")
		if !wrong || err != errSecret {
			t.Errorf("%q: %v, %v", secret, wrong, err)
		}
	}
	if _, wrong, err := c.Sign(&Policy{}, newCSR(t, newKey(t), "web2", word), ""); !wrong || err != errSecret {
		t.Errorf("no word is set: %v, %v", wrong, err)
	}
	if _, wrong, err := c.Sign(&Policy{Word: func() (string, error) { return "", nil }}, newCSR(t, newKey(t), "web2", ""), ""); !wrong || err != errSecret {
		t.Errorf("an empty word: %v, %v", wrong, err)
	}
	if list, err := c.List(); err != nil || len(list) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// A code gives one certificate, to one key, however often and wherever it is sent at the same time.
func TestCodeOnce(t *testing.T) {
	t.Parallel()
	c := newCA(t)
	code, err := c.NewCode("", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(c.dir, logFile))
	if err != nil || bytes.Contains(text, []byte(code)) {
		t.Errorf("the code is in the log, %v", err)
	}
	cas := []*CA{c, openCA(t, c.dir), openCA(t, c.dir)}
	var wait sync.WaitGroup
	certs := make([][]byte, 12)
	csrs := make([][]byte, len(certs))
	for i := range certs {
		csrs[i] = newCSR(t, newKey(t), "web"+string(rune('a'+i)), code)
	}
	for i := range certs {
		wait.Go(func() {
			var err error
			certs[i], _, err = cas[i%len(cas)].Sign(&Policy{}, csrs[i], "")
			if err != nil && err != errSecret {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	given, winner := 0, 0
	for i, cert := range certs {
		if cert != nil {
			given, winner = given+1, i
		}
	}
	if given != 1 {
		t.Fatalf("%d certificates for one code", given)
	}
	// After a restart, too; who has it asks again and gets the same.
	fresh := openCA(t, c.dir)
	for i := range csrs {
		cert, _, err := fresh.Sign(&Policy{}, csrs[i], "")
		if i == winner && (err != nil || !bytes.Equal(cert, certs[i])) || i != winner && err != errSecret {
			t.Errorf("request %d again: %v", i, err)
		}
	}
	if _, err := fresh.Revoke("web" + string(rune('a'+winner))); err != nil {
		t.Fatal(err)
	}
	if _, _, err := fresh.Sign(&Policy{}, csrs[winner], ""); err != errSecret {
		t.Errorf("a revoked certificate is given again: %v", err)
	}
}

// template makes a CSR with whatever is in a template.
func template(t *testing.T, key any, csr x509.CertificateRequest) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &csr, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func TestRequestRules(t *testing.T) {
	t.Parallel()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	good := newCSR(t, key, "web1", word)
	block, _ := pem.Decode(good)
	broken := bytes.Clone(block.Bytes)
	broken[len(broken)-1] ^= 1
	named := func(name string) x509.CertificateRequest {
		return x509.CertificateRequest{Subject: pkix.Name{CommonName: name}}
	}
	ip, mail := named("a"), named("a")
	ip.IPAddresses, mail.EmailAddresses = []net.IP{{127, 0, 0, 1}}, []string{"a@b"}
	wild := named("a")
	wild.DNSNames = []string{"*.example.com"}
	constraints := func(der string) x509.CertificateRequest {
		csr := named("a")
		csr.ExtraExtensions = []pkix.Extension{{Id: oidBasicConstraints, Value: []byte(der)}}
		return csr
	}
	for what, text := range map[string][]byte{
		"nothing":           nil,
		"no PEM":            []byte("hello"),
		"a certificate":     pemCert([]byte("x")),
		"junk in PEM":       pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("junk")}),
		"a bad signature":   pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: broken}),
		"two CSRs":          append(bytes.Clone(good), good...),
		"a small RSA key":   template(t, small, named("a")),
		"no name":           template(t, key, named("")),
		"a name in capital": template(t, key, named("Web1")),
		"a long name":       template(t, key, named(strings.Repeat("a", maxName+1))),
		"an odd name":       template(t, key, named("a b")),
		"dots":              template(t, key, named("a..b")),
		"an address":        template(t, key, ip),
		"mail":              template(t, key, mail),
		"a wildcard":        template(t, key, wild),
		"CA:TRUE":           template(t, key, constraints("\x30\x03\x01\x01\xff")),
		"odd constraints":   template(t, key, constraints("junk")),
	} {
		r, err := parseRequest(text)
		if !store.IsKind(err, store.KindBadRequest) {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
	}
	if r, err := parseRequest(template(t, key, constraints("\x30\x00"))); err != nil || r.name != "a" {
		t.Errorf("CA:FALSE: %v", err)
	}
	if r, err := parseRequest(good); err != nil || r.name != "web1" || r.secret != word {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	names := func(name string, dns ...string) *request { return &request{name: name, dns: dns} }
	for _, c := range []struct {
		allow []string
		r     *request
		want  bool
	}{
		{nil, names("web1"), true},
		{nil, names("web1", "web2"), false},
		{[]string{"*.example.com"}, names("web1.example.com"), true},
		{[]string{"*.example.com"}, names("example.com"), false},
		{[]string{"*.example.com"}, names("web1.example.com", "a.example.com"), true},
		{[]string{"*.example.com"}, names("web1.example.com", "a.example.org"), false},
		{[]string{"a", "b?"}, names("b1"), true},
		{[]string{"a", "b?"}, names("b12"), false},
	} {
		err := (&Policy{Allow: c.allow}).allows(c.r)
		if (err == nil) != c.want {
			t.Errorf("%v: %+v: %v", c.allow, c.r, err)
		}
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	c, p := newCA(t), wordPolicy()
	key := newKey(t)
	old := c.mustSign(t, p, newCSR(t, key, "web1", word))
	renew := func(cert *x509.Certificate, csr []byte) error {
		_, err := c.Renew(p, cert, csr, "")
		return err
	}
	if err := renew(old, newCSR(t, newKey(t), "web1", "")); err != nil {
		t.Errorf("with another key: %v", err)
	}
	if err := renew(old, newCSR(t, key, "web2", "")); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("another name: %v", err)
	}
	expired := c.mustSign(t, &Policy{Word: p.Word, Life: 1}, newCSR(t, key, "web3", word))
	if err := renew(expired, newCSR(t, key, "web3", "")); !store.IsKind(err, store.KindForbidden) || !strings.Contains(err.Error(), "expired") {
		t.Errorf("expired: %v", err)
	}
	if err := c.IssueServer(filepath.Join(c.dir, "s.pem"), []string{"log.example.com"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	server, err := ReadCertificate(filepath.Join(c.dir, "s.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := renew(server, newCSR(t, key, "log.example.com", "")); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("a server's: %v", err)
	}
	if err := renew(newCA(t).mustSign(t, p, newCSR(t, key, "web1", word)), newCSR(t, key, "web1", "")); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("another CA's: %v", err)
	}
	for range maxLiveOfName {
		err = renew(old, newCSR(t, key, "web1", ""))
	}
	if !store.IsKind(err, store.KindTooManyRequests) {
		t.Errorf("without an end: %v", err)
	}
	strict := &Policy{Word: p.Word, Allow: []string{"db*"}}
	if _, err := c.Renew(strict, old, newCSR(t, key, "web1", ""), ""); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("a name that is not given any more: %v", err)
	}
	// With it goes whatever was got with it, by another key, too, and what it was got with.
	list, err := c.List()
	if err != nil {
		t.Fatal(err)
	}
	newest := list[len(list)-1]
	if newest.By != byRenewal {
		t.Fatalf("%s is of %s", newest.Serial, newest.By)
	}
	if revoked, err := c.Revoke(newest.Serial); err != nil || len(revoked) != maxLiveOfName {
		t.Errorf("%d are revoked, want %d: %v", len(revoked), maxLiveOfName, err)
	}
	if err := renew(old, newCSR(t, key, "web1", "")); !store.IsKind(err, store.KindForbidden) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("revoked: %v", err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	c, p := newCA(t), wordPolicy()
	one := c.mustSign(t, p, newCSR(t, newKey(t), "one", word))
	two := c.mustSign(t, p, newCSR(t, newKey(t), "two", word))
	if list, err := c.Revoke("one"); err != nil || len(list) != 1 || list[0].Serial != serialText(one) {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := c.Revoke("one"); err != nil || len(list) != 0 {
		t.Errorf("again: %+v, %v", list, err)
	}
	if _, err := c.Revoke("three"); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("no such: %v", err)
	}
	text, err := os.ReadFile(filepath.Join(c.dir, crlFile))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	crl, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := crl.CheckSignatureFrom(c.root); err != nil {
		t.Error(err)
	}
	entries := crl.RevokedCertificateEntries
	if len(entries) != 1 || entries[0].SerialNumber.Cmp(one.SerialNumber) != 0 || entries[0].SerialNumber.Cmp(two.SerialNumber) == 0 {
		t.Errorf("%+v", entries)
	}
	states := map[string]string{}
	list, err := c.List()
	for _, i := range list {
		states[i.Name] = i.State(time.Now())
	}
	if err != nil || states["one"] != "revoked" || states["two"] != "live" {
		t.Errorf("%v, %v", states, err)
	}
}

// A server's certificate goes with the root, and its key stays when it is made anew.
func TestIssueServer(t *testing.T) {
	t.Parallel()
	c := newCA(t)
	path := filepath.Join(t.TempDir(), "server.pem")
	var keys []any
	for range 2 {
		if err := c.IssueServer(path, []string{"log.example.com", "127.0.0.1", "::1"}, time.Hour); err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(path, path)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, pair.Leaf.PublicKey)
		if len(pair.Certificate) != 2 || !c.serves(pair.Leaf, []string{"127.0.0.1", "::1", "log.example.com"}) || c.serves(pair.Leaf, []string{"localhost"}) {
			t.Errorf("%d certificates, %v", len(pair.Certificate), pair.Leaf.DNSNames)
		}
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: c.pool(), DNSName: "::1"}); err != nil {
			t.Error(err)
		}
	}
	if !keys[0].(*ecdsa.PublicKey).Equal(keys[1]) {
		t.Error("the key has changed")
	}
	// A machine that is a server, too, may join under its name.
	c.mustSign(t, wordPolicy(), newCSR(t, newKey(t), "log.example.com", word))
}

func TestParseFingerprint(t *testing.T) {
	t.Parallel()
	c := newCA(t)
	want := c.Fingerprint()
	hex := strings.TrimPrefix(want, fingerprintPrefix)
	var colons []string
	for i := 0; i < len(hex); i += 2 {
		colons = append(colons, strings.ToUpper(hex[i:i+2]))
	}
	for _, s := range []string{want, hex, " " + want + "\n", strings.Join(colons, ":"), "sha256 Fingerprint=" + strings.Join(colons, ":"), "SHA256:" + hex} {
		if got, err := ParseFingerprint(s); err != nil || got != want {
			t.Errorf("%q: %q, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "sha256:", hex[1:], hex + "00", "sha1:" + hex, "x" + hex[1:]} {
		if got, err := ParseFingerprint(s); err == nil {
			t.Errorf("%q: %q", s, got)
		}
	}
}
