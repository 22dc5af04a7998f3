package token

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

var form = regexp.MustCompile(`^lct_[a-z2-7]{12}_[a-z2-7]{59}$`)

func TestText(t *testing.T) {
	t.Parallel()
	id := NewID()
	a, b := NewText(id), NewText(id)
	if a == b || !form.MatchString(a) {
		t.Errorf("%q, %q", a, b)
	}
	if got, ok := ID(a); !ok || got != id {
		t.Errorf("ID %q, %v; want %q", got, ok, id)
	}
	for i := range a { // a checksum finds any one character that is wrong
		wrong := []byte(a)
		if wrong[i]++; wrong[i] == 'z'+1 || wrong[i] == '7'+1 {
			wrong[i] = 'a'
		}
		if _, ok := ID(string(wrong)); ok {
			t.Errorf("%q passes for %q", wrong, a)
		}
	}
	for _, s := range []string{"", "lct_", a + "a", a[1:], strings.ToUpper(a)} {
		if _, ok := ID(s); ok {
			t.Errorf("%q passes", s)
		}
	}
	if CheckID(id) != nil || CheckID("../../x/y/z1") == nil || CheckID("") == nil {
		t.Error("CheckID is wrong")
	}
}

func TestRecord(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	id := NewID()
	old, fresh, other := NewText(id), NewText(id), NewText(id)
	r := &Record{ID: id, Name: "web1", Apps: []string{"shop"}, May: []string{Write},
		Secrets: []Secret{NewSecret(old, now, now.Add(time.Hour)), NewSecret(fresh, now, time.Time{})}}
	doc, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{old, fresh} {
		if strings.Contains(string(doc), text[17:]) {
			t.Errorf("the record has the secret: %s", doc)
		}
	}
	if r, err = Decode(id, doc); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, text string
		after      time.Duration
		want       bool
	}{
		{"both in the overlap", old, 59 * time.Minute, true},
		{"both in the overlap", fresh, 59 * time.Minute, true},
		{"the old one at its end", old, time.Hour, false},
		{"the new one later", fresh, 9999 * time.Hour, true},
		{"another secret", other, 0, false},
		{"none", "", 0, false},
	} {
		if got := r.Admits(tt.text, now.Add(tt.after)); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
	if !r.Expires().IsZero() || !r.Allows(Write) || r.Allows(Read) {
		t.Errorf("%+v", r)
	}
	if r.Secrets = r.Secrets[:1]; !r.Expires().Equal(now.Add(time.Hour)) {
		t.Errorf("expires %v", r.Expires())
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{``, `[]`, `{}`, `{"type":"token"}`, `{"type":"code","version":1}`} {
		if _, err := Decode("x", []byte(doc)); err == nil {
			t.Errorf("%q passes", doc)
		}
	}
	if _, err := Decode("x", []byte(`{"type":"token","version":2}`)); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("a newer one: %v", err)
	}
}

func FuzzID(f *testing.F) {
	f.Add(NewText(NewID()))
	f.Add("lct_")
	f.Fuzz(func(t *testing.T, text string) {
		if id, ok := ID(text); ok && (!form.MatchString(text) || CheckID(id) != nil) {
			t.Errorf("%q has id %q", text, id)
		}
	})
}
