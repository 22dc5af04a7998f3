package identity

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"logctl/proxy/ca"
	"logctl/store"
)

// authority runs a CA and gives its address and fingerprint.
func authority(t *testing.T, p ca.Policy) (c *ca.CA, url string) {
	t.Helper()
	dir := t.TempDir()
	if _, _, err := ca.Init(dir, "test"); err != nil {
		t.Fatal(err)
	}
	c, err := ca.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ca.NewSigner(ca.SignerOptions{CA: c, Hosts: []string{"127.0.0.1"}, Policy: p})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := errors.Join(<-done, c.Close()); err != nil {
			t.Error(err)
		}
	})
	return c, "https://" + l.Addr().String()
}

func secret(s string) func() (string, error) { return func() (string, error) { return s, nil } }

func noSecret(t *testing.T) func() (string, error) {
	return func() (string, error) {
		t.Error("a secret was asked for")
		return "", nil
	}
}

// A join that was cut off after any file goes on, with the same key and one code.
func TestJoinCutOff(t *testing.T) {
	t.Parallel()
	c, url := authority(t, ca.Policy{})
	code, err := c.NewCode("web1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := In(dir)
	o := Options{Dir: dir, CA: url, Fingerprint: c.Fingerprint(), Name: "web1", Secret: secret(code)}
	first, err := Join(t.Context(), o)
	if err != nil || !first.New {
		t.Fatalf("%+v, %v", first, err)
	}
	text, err := os.ReadFile(p.Cert)
	if err != nil {
		t.Fatal(err)
	}
	o.Secret = noSecret(t)
	if again, err := Join(t.Context(), o); err != nil || again.New {
		t.Errorf("again: %+v, %v", again, err)
	}
	o.Secret = secret(code)
	for _, lost := range [][]string{{p.Join}, {p.Join, p.Cert}, {p.Join, p.Cert, p.Root}} {
		for _, path := range lost {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Join(t.Context(), o); err != nil {
			t.Fatalf("without %v: %v", lost, err)
		}
		if after, err := os.ReadFile(p.Cert); err != nil || string(after) != string(text) {
			t.Errorf("without %v: another certificate, %v", lost, err)
		}
	}
	for _, path := range []string{p.Key, p.Cert, p.Root, p.Join} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	// With another key the code is used up.
	if err := os.Remove(p.Key); err != nil {
		t.Fatal(err)
	}
	if _, err := Join(t.Context(), o); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("another key: %v", err)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	c, url := authority(t, ca.Policy{Word: secret("the secret word")})
	o := Options{Dir: t.TempDir(), CA: url, Name: "web1", Secret: noSecret(t)}
	if _, err := Join(t.Context(), o); !store.IsKind(err, store.KindForbidden) || !strings.Contains(err.(*store.Error).Hint, c.Fingerprint()) {
		t.Errorf("nobody to ask: %v", err)
	}
	no := errors.New("no")
	o.Confirm = func(string) error { return no }
	if _, err := Join(t.Context(), o); !errors.Is(err, no) {
		t.Errorf("not confirmed: %v", err)
	}
	o.Secret = secret("the secret word")
	o.Confirm = func(seen string) error {
		if seen != c.Fingerprint() {
			t.Errorf("asked for %s", seen)
		}
		return nil
	}
	if _, err := Join(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	// Once is enough.
	o.Confirm, o.Name = nil, "web2"
	if got, err := Join(t.Context(), o); err != nil || !got.New || got.Name != "web2" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	c, url := authority(t, ca.Policy{Word: secret("the secret word"), Life: time.Hour})
	dir := t.TempDir()
	if _, err := Renew(t.Context(), dir); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("not joined: %v", err)
	}
	if Due(dir, time.Now().Add(time.Hour)) {
		t.Error("nothing is due")
	}
	if _, err := Join(t.Context(), Options{Dir: dir, CA: url, Fingerprint: c.Fingerprint(), Name: "web1", Secret: secret("the secret word")}); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[time.Duration]bool{0: false, 30 * time.Minute: false, 45 * time.Minute: true, 2 * time.Hour: true} {
		if got := Due(dir, time.Now().Add(after)); got != want {
			t.Errorf("due after %v: %v", after, got)
		}
	}
	if got, err := Renew(t.Context(), dir); err != nil || !got.New || got.Name != "web1" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.Revoke("web1"); err != nil {
		t.Fatal(err)
	}
	if _, err := Renew(t.Context(), dir); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("revoked: %v", err)
	}
	for text, kind := range map[string]store.Kind{"x": store.KindCorrupt, `{"version":9,"ca":"https://x"}`: store.KindNewerFormat} {
		if err := os.WriteFile(In(dir).Join, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Renew(t.Context(), dir); !store.IsKind(err, kind) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
