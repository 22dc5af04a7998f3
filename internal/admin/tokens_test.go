package admin

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/proxy/token"
	"logctl/store"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	m := newMemory()
	ctx, now := t.Context(), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	if all, err := Tokens(ctx, m); all != nil || err != nil {
		t.Errorf("before there is one: %v, %v", all, err)
	}
	o := TokenOptions{Name: "web1", Apps: []string{"shop"}, May: []string{token.Write}, Lifetime: 10 * time.Hour}
	if _, _, err := CreateToken(ctx, m, o, now); !store.IsKind(err, store.KindNotFound) || !strings.Contains(err.Error(), "no app shop") {
		t.Errorf("of no app: %v", err)
	}
	if _, err := CreateApp(ctx, m, "shop", ""); err != nil {
		t.Fatal(err)
	}
	id, first, err := CreateToken(ctx, m, o, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.security[token.DB]; got != `{"admins":{"roles":["_admin"]},"members":{"names":["app_write"],"roles":["_admin"]}}` {
		t.Errorf("_security of the tokens is %s", got)
	}
	if doc := m.docs[token.DocPrefix+id]; strings.Contains(doc, first[20:]) {
		t.Errorf("the store has the token: %s", doc)
	}
	now = now.Add(time.Hour)
	second, err := RotateToken(ctx, m, id, 2*time.Hour, -1, now)
	if err != nil {
		t.Fatal(err)
	}
	check := func(after time.Duration, texts map[string]bool) {
		t.Helper()
		all, err := Tokens(ctx, m)
		if err != nil || len(all) != 1 || all[0].ID != id || all[0].Name != "web1" {
			t.Fatalf("%+v, %v", all, err)
		}
		for text, want := range texts {
			if got := all[0].Admits(text, now.Add(after)); got != want {
				t.Errorf("after %v: %v, want %v", after, got, want)
			}
		}
	}
	check(0, map[string]bool{first: true, second: true})
	check(2*time.Hour, map[string]bool{first: false, second: true})
	check(10*time.Hour, map[string]bool{second: false}) // as long as the first, from the rotation on
	now = now.Add(time.Hour)
	third, err := RotateToken(ctx, m, id, 0, 0, now)
	if err != nil {
		t.Fatal(err)
	}
	check(0, map[string]bool{first: false, second: false, third: true})
	check(99999*time.Hour, map[string]bool{third: true})
	if err := RevokeToken(ctx, m, id); err != nil || len(m.docs) != 0 {
		t.Errorf("%v, %v", err, m.docs)
	}
	if err := RevokeToken(ctx, m, id); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("again: %v", err)
	}
	if _, err := RotateToken(ctx, m, "../../x", 0, 0, now); !store.IsKind(err, store.KindBadRequest) {
		t.Errorf("no id: %v", err)
	}
}

// TestManyRotations: a token that is rotated oftener than its old secrets end stays one that the door can read, and none of the secrets
// ends before the time that was promised for it.
func TestManyRotations(t *testing.T) {
	t.Parallel()
	m := newMemory()
	ctx, now := t.Context(), time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	if _, err := CreateApp(ctx, m, "shop", ""); err != nil {
		t.Fatal(err)
	}
	id, text, err := CreateToken(ctx, m, TokenOptions{Apps: []string{"shop"}, May: []string{token.Write}}, now)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{text}
	for len(texts) < 1000 {
		now = now.Add(time.Minute)
		if text, err = RotateToken(ctx, m, id, 24*time.Hour, -1, now); err != nil {
			break
		}
		texts = append(texts, text)
	}
	var e *store.Error
	if len(texts) < 24 || !errors.As(err, &e) || e.Kind != store.KindTooManyRequests || !strings.Contains(err.Error(), "2026-11-02T12:01:00Z") ||
		!strings.Contains(e.Hint, "--overlap 0") {
		t.Errorf("after %d secrets: %v", len(texts), err)
	}
	if size := len(m.docs[token.DocPrefix+id]); size > token.MaxRecord/2 {
		t.Errorf("the record has %d bytes, and the apps need some, too", size)
	}
	admitted := func() (n int) {
		all, err := Tokens(ctx, m)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v, %v", all, err)
		}
		for _, text := range texts {
			if all[0].Admits(text, now) {
				n++
			}
		}
		return n
	}
	if n := admitted(); n != len(texts) {
		t.Errorf("%d of %d secrets are good", n, len(texts))
	}
	if _, err := RotateToken(ctx, m, id, 24*time.Hour, -1, now.Add(24*time.Hour)); err != nil {
		t.Errorf("after the first ones have ended: %v", err)
	}
	if text, err = RotateToken(ctx, m, id, 0, -1, now); err != nil {
		t.Errorf("with no overlap: %v", err)
	}
	if texts = append(texts, text); admitted() != 1 {
		t.Errorf("%d secrets are good, want the last alone", admitted())
	}
}

// TestTooLargeToken: no token is made whose record a door would not read.
func TestTooLargeToken(t *testing.T) {
	t.Parallel()
	m := newMemory()
	if _, err := CreateApp(t.Context(), m, "shop", ""); err != nil {
		t.Fatal(err)
	}
	o := TokenOptions{Apps: slices.Repeat([]string{"shop"}, token.MaxRecord/6), May: []string{token.Write}}
	if _, _, err := CreateToken(t.Context(), m, o, time.Now()); !store.IsKind(err, store.KindTooLarge) || len(m.docs) > 0 {
		t.Errorf("%v, %d documents", err, len(m.docs))
	}
}

func TestPermitApp(t *testing.T) {
	t.Parallel()
	m := newMemory()
	if err := PermitApp(t.Context(), m, "shop"); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("no app: %v", err)
	}
	m.security["log_shop"] = `{}`
	if err := PermitApp(t.Context(), m, "shop"); err != nil || !strings.Contains(m.security["log_shop"], "log_analyst_shop") {
		t.Errorf("%v: %s", err, m.security["log_shop"])
	}
}
