//go:build !race

package app

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"logctl/store"
)

// ownMemory is how much memory the process has of its own, in MiB.
func ownMemory(t *testing.T) int {
	t.Helper()
	return resident(t, "RssAnon") >> 10
}

// What a store took is given back, whoever it was taken from: with cgo Pebble's memory is C's.
func TestGiveBack(t *testing.T) {
	boundMalloc()
	giveBack()
	before := ownMemory(t)
	e, err := openEmbedded(t.TempDir(), embeddedOptions{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ask := e.api.Transport(store.Caller{Name: "admin", Roles: []string{store.AdminRole}})
	do := func(method, path string, body []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://store"+path, bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := ask.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode >= http.StatusBadRequest {
			t.Errorf("%s %s: %s, %v", method, path, res.Status, err)
		}
	}
	do(http.MethodPut, "/load", nil)
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 20 {
				do(http.MethodPost, "/load/_bulk_docs", bulk(random))
			}
			do(http.MethodGet, "/load/_all_docs?include_docs=true", nil)
		})
	}
	all.Wait()
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	closed := ownMemory(t)
	giveBack()
	if after := ownMemory(t); after > before+12 {
		t.Errorf("%d MiB before the store was open, %d when it was closed, %d of them still when free memory was given back", before, closed, after)
	}
}

// bulk is a body of _bulk_docs with docs that hardly compress, 1 MB of them.
func bulk(random *rand.Rand) []byte {
	b := []byte(`{"docs":[`)
	for i := range 500 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"text":"`...)
		for range 125 {
			b = fmt.Appendf(b, "%016x", random.Uint64())
		}
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}
