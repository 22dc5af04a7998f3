package admin

import (
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
