package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"logctl/internal/config"
	"logctl/store"
)

func TestParseBase(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"http://h", "https://h:1/", "http://[::1]:5984/couch"} {
		if _, err := parseBase(s); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{"", "h:1", "ftp://h", "http://", "http://h?x=1", "http://h#x", "://", "http://u:secret@h", "http://u:sec%zzret@h"} {
		_, err := parseBase(s)
		if err == nil {
			t.Errorf("%q passes", s)
		} else if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "%zz") {
			t.Errorf("%q: the error tells the secret: %v", s, err)
		}
	}
}

func TestRemoteNeedsPassword(t *testing.T) {
	t.Parallel()
	_, err := Connect(t.Context(), config.Config{URL: "http://127.0.0.1:1", User: "me"}, nil)
	if !store.IsKind(err, store.KindUnauthorized) {
		t.Errorf("got %v", err)
	}
}

func TestRemoteToken(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("lct_x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Connect(t.Context(), config.Config{URL: "http://127.0.0.1:1", User: "me", TokenFile: file}, nil); !store.IsKind(err, store.KindBadRequest) {
		t.Errorf("an account and a token: %v", err)
	}
	conn, err := Connect(t.Context(), config.Config{URL: "http://127.0.0.1:1", TokenFile: file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := conn.Transport.(authorized); !ok || a.header != "Bearer lct_x" || !conn.Anonymous || !conn.Token {
		t.Errorf("%+v", conn)
	}
	if _, err := Connect(t.Context(), config.Config{URL: "http://127.0.0.1:1", TokenFile: file + "x"}, nil); err == nil {
		t.Error("no file, and no error")
	}
}

// Credentials go to the server they are for, and to no other that it names.
func TestCredentialsStayAtHome(t *testing.T) {
	t.Parallel()
	var seen []string
	next := roundTripper(func(r *http.Request) (*http.Response, error) {
		name, password, _ := r.BasicAuth()
		seen = append(seen, r.URL.Host+" "+name+" "+password)
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})
	auth := authorized{next: next, host: "home:1", header: basic("me", "pw")}
	for _, url := range []string{"http://home:1/x", "http://home:2/x", "http://away/x"} {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		if _, err := auth.RoundTrip(r); err != nil {
			t.Fatal(err)
		}
		if r.Header.Get("Authorization") != "" {
			t.Error("the caller's request was changed")
		}
	}
	if want := []string{"home:1 me pw", "home:2  ", "away  "}; strings.Join(seen, ";") != strings.Join(want, ";") {
		t.Errorf("got %q, want %q", seen, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAdminPassword(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, made, err := openAdmin(dir, "")
	if err != nil || !made {
		t.Fatalf("first start: made %v, %v", made, err)
	}
	path := filepath.Join(dir, "admin.password")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	password, err := config.ReadSecret(path)
	if err != nil || len(password) < 20 {
		t.Fatalf("password of %d characters, %v", len(password), err)
	}
	again, made, err := openAdmin(dir, "")
	if err != nil || made {
		t.Fatalf("second start: made %v, %v", made, err)
	}
	for _, x := range []*admin{a, again} {
		if !x.Verify("admin", password) || x.Verify("admin", password+"x") || x.Verify("root", password) || x.Verify("admin", "") {
			t.Error("Verify is wrong")
		}
	}
	if _, _, err := openAdmin(dir, filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is named and missing: %v", err)
	}
}

// A serve whose data directory has a path too long for a socket in it is found all the same; a second one is refused; what
// it made to be found is gone afterwards.
func TestServeIsFound(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 30))
	ctx, stop := context.WithCancel(t.Context())
	log := slog.New(slog.DiscardHandler)
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, ServeOptions{Listen: "127.0.0.1:0", Data: dir, Log: log}) }()
	ad := awaitAdvert(t, dir, done)

	conn, err := Connect(t.Context(), config.Config{Data: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if conn.InProcess || conn.Anonymous {
		t.Errorf("%+v is not the serve's admin", conn)
	}
	res, err := (&http.Client{Transport: conn.Transport}).Get(conn.BaseURL + "/_session")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if !strings.Contains(string(text), `"_admin"`) {
		t.Errorf("not signed in: %s", text)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	err = Serve(t.Context(), ServeOptions{Listen: "127.0.0.1:0", Data: dir, Log: log})
	if !store.IsKind(err, store.KindLocked) {
		t.Errorf("second serve: %v", err)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	for _, path := range []string{advertPath(dir), ad.Socket} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

func awaitAdvert(t *testing.T, dir string, done <-chan error) *advert {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		ad, err := readAdvert(dir)
		if err != nil {
			t.Fatal(err)
		}
		if ad != nil {
			return ad
		}
		select {
		case err := <-done:
			t.Fatalf("serve ended: %v", err)
		case <-deadline:
			t.Fatal("serve did not start")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// What a serve that was killed left behind is in nobody's way.
func TestStaleAdvert(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := (&advert{Version: advertVersion, PID: 1, Socket: filepath.Join(dir, "serve.sock")}).write(dir); err != nil {
		t.Fatal(err)
	}
	conn, err := Connect(t.Context(), config.Config{Data: dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !conn.InProcess {
		t.Error("not opened in process")
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if err := (&advert{Version: advertVersion + 1}).write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := Connect(t.Context(), config.Config{Data: dir}, nil); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("a newer serve.json: %v", err)
	}
}
