package password

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestSession(t *testing.T) {
	t.Parallel()
	made := Session{Name: "jan", At: time.Unix(1_700_000_000, 0)}
	value := made.Value([]byte("secret"), "salt")
	read, err := ParseSession(value + "==")
	if err != nil || read.Name != made.Name || !read.At.Equal(made.At) {
		t.Fatalf("%+v %v", read, err)
	}
	for _, c := range []struct {
		secret, salt string
		signed       bool
	}{{"secret", "salt", true}, {"secret", "new", false}, {"other", "salt", false}} {
		if got := read.IsSigned([]byte(c.secret), c.salt); got != c.signed {
			t.Errorf("%+v: %v", c, got)
		}
	}
	for _, forged := range []Session{{"jane", read.At, read.mac}, {"", read.At, read.mac}, {"jan", read.At.Add(time.Second), read.mac}, {"jan", read.At, nil}} {
		if forged.IsSigned([]byte("secret"), "salt") {
			t.Errorf("%+v is signed", forged)
		}
	}
	for _, text := range []string{"", "jan", "jan:1", "jan:x:mac", "jan:1:"} {
		s, err := ParseSession(base64.RawURLEncoding.EncodeToString([]byte(text)))
		if (err == nil) != (text == "jan:1:") || s.IsSigned([]byte("secret"), "salt") {
			t.Errorf("%q: %v, signed %v", text, err, s.IsSigned([]byte("secret"), "salt"))
		}
	}
	if _, err := ParseSession("%"); err == nil {
		t.Error("what is no base64 is read")
	}
}

// FuzzParseSession looks for a cookie that panics.
func FuzzParseSession(f *testing.F) {
	f.Add([]byte("admin:66666666:\xff"))
	f.Add([]byte("::"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := ParseSession(base64.RawURLEncoding.EncodeToString(raw)); err == nil && strings.Contains(s.Name, ":") {
			t.Errorf("%q has the name %q", raw, s.Name)
		}
	})
}
