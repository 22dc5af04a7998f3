package password

import (
	"strings"
	"testing"
)

// TestPasswordSchemes checks hashes that CouchDB has made.
func TestPasswordSchemes(t *testing.T) {
	t.Parallel()
	one, err := Method{Rounds: 1}.New("pw", "s")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		hash Hash
		pw   string
		want bool
	}{
		// CouchDB's documentation of the authentication database.
		{"SHA-1 of old", Hash{Scheme: "pbkdf2", Iterations: 10, DerivedKey: "e579375db0e0c6a6fc79cd9e36a36859f71575c3",
			Salt: "1112283cf988a34f124200a050d308a1"}, "apple", true},
		{"wrong", Hash{Scheme: "pbkdf2", Iterations: 10, DerivedKey: "e579375db0e0c6a6fc79cd9e36a36859f71575c3",
			Salt: "1112283cf988a34f124200a050d308a1"}, "orange", false},
		{"no key", Hash{Scheme: "pbkdf2", Iterations: 10, Salt: "s"}, "", false},
		{"endless", Hash{Scheme: "pbkdf2", Iterations: maxRounds + 1, DerivedKey: "00", Salt: "s"}, "", false},
		{"no rounds", Hash{Scheme: "pbkdf2", PRF: one.PRF, DerivedKey: one.DerivedKey, Salt: one.Salt}, "pw", false},
		{"no digits", Hash{Scheme: "pbkdf2", PRF: one.PRF, Iterations: 1, DerivedKey: one.DerivedKey + "x", Salt: one.Salt}, "pw", false},
		{"unknown function", Hash{Scheme: "pbkdf2", PRF: "md5", Iterations: 1, DerivedKey: one.DerivedKey, Salt: one.Salt}, "pw", false},
		{"unknown", Hash{Scheme: "rot13"}, "", false},
		{"none", Hash{}, "", false},
		{"no scheme", Hash{SHA: "f502e2d2336445c75dd0775e4d942a29349f0ee5", Salt: "00112233445566778899aabbccddeeff"}, "pw", true},
		{"no scheme, wrong", Hash{SHA: "f502e2d2336445c75dd0775e4d942a29349f0ee5", Salt: "00112233445566778899aabbccddeeff"}, "pW", false},
	} {
		if got := c.hash.Matches(c.pw); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestNewHash(t *testing.T) {
	t.Parallel()
	h, err := Method{Rounds: 2}.New("s3cret", "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Method{Rounds: 2}.New("s3cret", "")
	if err != nil {
		t.Fatal(err)
	}
	if h == again {
		t.Error("two hashes of one password are equal: no salt")
	}
	if !h.Matches("s3cret") || h.Matches("S3cret") || h.Matches("") {
		t.Errorf("%+v matches what it must not, or does not what it must", h)
	}
	text := h.Text()
	if strings.Contains(text, "s3cret") {
		t.Errorf("the password is in %s", text)
	}
	read, ok := Parse(text)
	if !ok || read != h {
		t.Errorf("%s: %+v %v, want %+v", text, read, ok, h)
	}
}

func TestMethod(t *testing.T) {
	t.Parallel()
	m := Method{PRF: "sha512", Rounds: 3}
	h, err := m.New("pw", "salt")
	if err != nil {
		t.Fatal(err)
	}
	if h.Salt != "salt" || len(h.DerivedKey) != 128 || !h.Matches("pw") || !m.Made(h) {
		t.Errorf("%+v", h)
	}
	for _, other := range []Method{{"sha256", 3}, {"", 3}, {"md5", 3}, {"sha512", 4}} {
		if other.Made(h) {
			t.Errorf("%+v has made %+v", other, h)
		}
	}
	for _, m := range []Method{{"", 0}, {"md5", -1}, {"sha256", 1}} {
		if empty := m.Empty(); empty.PRF != "sha256" || empty.Iterations != 1 || empty.Matches("") {
			t.Errorf("%+v: %+v", m, empty)
		}
	}
	if empty := (Method{Rounds: maxRounds + 1}).Empty(); empty.Iterations != maxRounds {
		t.Errorf("%d rounds", empty.Iterations)
	}
}

func TestParseWhatIsNoHash(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "secret", "-pbkdf2", "-pbkdf2-a,b", "-pbkdf2-a,b,c", "-pbkdf2:sha256-a,b,1,2", "pbkdf2-a,b,1"} {
		if h, ok := Parse(text); ok {
			t.Errorf("%q: %+v", text, h)
		}
	}
	if h, ok := Parse("-pbkdf2-a,b,10"); !ok || h.PRF != "" || h.Iterations != 10 { // of before 3.4
		t.Errorf("%+v %v", h, ok)
	}
}
