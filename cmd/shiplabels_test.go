package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"logctl/internal/config"
	"logctl/ship/pods"
)

// startServe starts a serve on a directory, which ends with the test.
func startServe(t *testing.T, dir string) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	root := newRoot()
	var talk bytes.Buffer
	root.SetArgs([]string{"--data", dir, "serve", "--listen", "127.0.0.1:0"})
	root.SetOut(&talk)
	root.SetErr(&talk)
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v\n%s", err, talk.Bytes())
		}
	})
	for deadline := time.Now().Add(startWait); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var ad struct{ URL string }
		if text, err := os.ReadFile(filepath.Join(dir, "serve.json")); err == nil && json.Unmarshal(text, &ad) == nil && ad.URL != "" {
			return ad.URL
		}
	}
	t.Fatal("no serve")
	return ""
}

// podLabels is an API of Kubernetes' with one answer.
func podLabels(t *testing.T, status int) func(func(string)) *pods.Labels {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, `{"metadata":{"uid":"u1","labels":{"app":"web"}}}`)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, text := range map[string][]byte{"token": []byte("x"), "ca.crt": authority} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(note func(string)) *pods.Labels { return pods.New(server.URL, dir, note) }
}

// A stranger's docs get the labels of their pod where the API tells them, and a line is one doc whether it does or not.
func TestShipLabels(t *testing.T) {
	t.Parallel()
	store := t.TempDir()
	url := startServe(t, store)
	run(t, store, "app", "create", "pods")
	tree := t.TempDir()
	file := filepath.Join(tree, "shop_web-1_u1", "nginx", "0.log")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	var text string
	labels, refused := podLabels(t, http.StatusOK), podLabels(t, http.StatusForbidden)
	ship := func(data string, labels func(func(string)) *pods.Labels) (said string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o := &shipOptions{labels: labels}
		fs := pflag.NewFlagSet("ship", pflag.ContinueOnError)
		o.addFlags(fs)
		if err := fs.Parse([]string{"--app", "pods", "--kubernetes", "--schema", "$message..."}); err != nil {
			t.Fatal(err)
		}
		var talk bytes.Buffer
		g := &globals{flags: config.Config{URL: url, Data: data}}
		if err := runShip(t.Context(), streams{in: strings.NewReader(""), out: io.Discard, err: &talk}, g, o, []string{tree + "/*/*/*.log*"}); err != nil {
			t.Fatalf("%v\n%s", err, talk.Bytes())
		}
		return talk.String()
	}
	check := func(want ...string) {
		t.Helper()
		var rows []struct{ Doc map[string]any }
		if err := json.Unmarshal(run(t, store, "query", "pods", "_all_docs", "--include-docs", "-o", "json"), &rows); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range rows {
			if row.Doc["pod"] == "web-1" {
				got = append(got, fmt.Sprint(row.Doc["message"], row.Doc["labels"]))
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	data := t.TempDir()
	text = "2026-11-26T04:16:13Z stdout F one\n"
	ship(data, labels)
	check("onemap[app:web]")
	text += "2026-11-26T04:16:14Z stdout F two\n"
	if said := ship(data, refused); strings.Count(said, "note: docs go on without labels: Kubernetes' API: it refuses") != 1 {
		t.Error(said)
	}
	check("onemap[app:web]", "two<nil>")
	for _, labels := range []func(func(string)) *pods.Labels{labels, refused} { // nothing is remembered
		if said := ship(t.TempDir(), labels); !strings.Contains(said, "2 lines read: 2 stored or already there, 0 rejected") {
			t.Error(said)
		}
		check("onemap[app:web]", "two<nil>")
	}
}
