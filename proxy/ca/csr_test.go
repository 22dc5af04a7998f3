package ca

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"logctl/store"
)

func TestDirectoryString(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tag  int
		in   string
		want string // "" is an error
	}{
		{asn1.TagUTF8String, "süß", "süß"},
		{asn1.TagUTF8String, "\xff", ""},
		{asn1.TagUTF8String, "", ""},
		{asn1.TagUTF8String, strings.Repeat("ü", maxChallenge), strings.Repeat("ü", maxChallenge)},
		{asn1.TagUTF8String, strings.Repeat("ü", maxChallenge+1), ""},
		{asn1.TagPrintableString, "word", "word"},
		{asn1.TagPrintableString, "w\xf6rd", ""},
		{asn1.TagT61String, "word", "word"},
		{asn1.TagIA5String, "word", "word"},
		{asn1.TagBMPString, "\x00w\x00\xf6", "wö"},
		{asn1.TagBMPString, "\x00w\x00", ""},
		{asn1.TagBMPString, "\xd8\x00", ""},
		{tagUniversalString, "\x00\x00\x00w\x00\x01\xf6\x00", "w😀"},
		{tagUniversalString, "\xff\x00\x00w", ""},
		{asn1.TagOctetString, "word", ""},
	} {
		got, err := directoryString(asn1.RawValue{Tag: c.tag, Bytes: []byte(c.in)})
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%d %q: %q, %v", c.tag, c.in, got, err)
		}
	}
}

// info is a CertificationRequestInfo with attributes of which each is the DER of one.
func info(t testing.TB, attributes ...string) []byte {
	t.Helper()
	tbs := certificationRequestInfo{Subject: asn1.RawValue{FullBytes: []byte("\x30\x00")}, PublicKey: asn1.RawValue{FullBytes: []byte("\x30\x00")}}
	for _, a := range attributes {
		tbs.Attributes = append(tbs.Attributes, asn1.RawValue{FullBytes: []byte(a)})
	}
	der, err := asn1.Marshal(tbs)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

const oidChallengeDER = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07"

func TestChallenge(t *testing.T) {
	t.Parallel()
	one := "\x30\x11" + oidChallengeDER + "\x31\x04\x0c\x02ab"
	other := "\x30\x0b\x06\x03\x2a\x03\x04\x31\x04\x0c\x02xy"
	for what, c := range map[string]struct {
		der  []byte
		want string
		ok   bool
	}{
		"one":           {info(t, one), "ab", true},
		"none":          {info(t), "", true},
		"another":       {info(t, other), "", true},
		"beside":        {info(t, other, one), "ab", true},
		"two":           {info(t, one, one), "", false},
		"two values":    {info(t, "\x30\x15"+oidChallengeDER+"\x31\x08\x0c\x02ab\x0c\x02cd"), "", false},
		"no value":      {info(t, "\x30\x0d"+oidChallengeDER+"\x31\x00"), "", false},
		"no set":        {info(t, "\x30\x0f"+oidChallengeDER+"\x0c\x02ab"), "", false},
		"not a string":  {info(t, "\x30\x10"+oidChallengeDER+"\x31\x03\x02\x01\x07"), "", false},
		"not DER":       {[]byte("junk"), "", false},
		"something too": {append(info(t, one), 0), "", false},
	} {
		got, err := challenge(c.der)
		if got != c.want || (err == nil) != c.ok {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
}

// openssl runs the real one.
func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("SKIPPED: there is no openssl on this machine")
	}
	out, err := exec.Command("openssl", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
	return out
}

// What the real openssl writes as a challengePassword is read, whatever type of string it chooses.
func TestChallengeOfOpenSSL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for i, c := range []struct{ mask, key, secret string }{
		{"utf8only", "ec", "plain"},
		{"default", "ec", "plain"},
		{"nombstr", "rsa", "Plain Word 12"},
		{"utf8only", "ed25519", "süß & blue"},
		{"MASK:0x800", "ec", "wörd"}, // BMPString
	} {
		name := filepath.Join(dir, string(rune('a'+i)))
		conf := "[req]\nprompt=no\nutf8=yes\nstring_mask=" + c.mask + "\ndistinguished_name=dn\nattributes=a\n[dn]\nCN=web1\n[a]\nchallengePassword=" + c.secret + "\n"
		if err := os.WriteFile(name+".conf", []byte(conf), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"genpkey", "-out", name + ".key", "-algorithm", strings.ToUpper(c.key)}
		if c.key == "ec" {
			args = append(args, "-pkeyopt", "ec_paramgen_curve:P-256")
		}
		openssl(t, args...)
		openssl(t, "req", "-new", "-config", name+".conf", "-key", name+".key", "-out", name+".csr", "-utf8")
		text, err := os.ReadFile(name + ".csr")
		if err != nil {
			t.Fatal(err)
		}
		if r, err := parseRequest(text); err != nil || r.secret != c.secret || r.name != "web1" {
			t.Errorf("%+v: %+v, %v", c, r, err)
		}
	}
}

// What we write, openssl reads.
func TestOpenSSLReadsRequest(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "csr")
	if err := os.WriteFile(path, newCSR(t, newKey(t), "web1", word), 0o600); err != nil {
		t.Fatal(err)
	}
	out := openssl(t, "req", "-in", path, "-verify", "-noout", "-text")
	if s := string(out); !strings.Contains(s, "verify OK") || !strings.Contains(s, "challengePassword") || !strings.Contains(s, word) {
		t.Errorf("%s", s)
	}
}

func FuzzParseRequest(f *testing.F) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	text, err := NewRequest(key, "web1", word)
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(text)
	f.Add(block.Bytes)
	f.Fuzz(func(t *testing.T, der []byte) {
		r, err := parseRequest(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
		switch {
		case err != nil && !store.IsKind(err, store.KindBadRequest):
			t.Errorf("%v is no answer for a client", err)
		case err == nil && CheckName(r.name) != nil:
			t.Errorf("the name %q passes", r.name)
		}
	})
}

func FuzzChallenge(f *testing.F) {
	f.Add(info(f, "\x30\x11"+oidChallengeDER+"\x31\x04\x0c\x02ab"))
	f.Add(info(f, "\x30\x11"+oidChallengeDER+"\x31\x04\x1e\x02ab"))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	text, err := NewRequest(key, "web1", word)
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(text)
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(csr.RawTBSCertificateRequest)
	f.Fuzz(func(t *testing.T, der []byte) {
		secret, err := challenge(der)
		if err != nil && (secret != "" || !store.IsKind(err, store.KindBadRequest)) {
			t.Errorf("%q, %v", secret, err)
		}
	})
}
