package engine

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/store"
)

// TestCheckGoesOnBehindDamage: of docs in a block that can't be read the ids are told, and the docs behind it are checked.
func TestCheckGoesOnBehindDamage(t *testing.T) {
	t.Parallel()
	const docs = 200
	dir := t.TempDir()
	e := mustOpen(t, dir, Options{})
	d := mustCreate(t, e, "log_a")
	r := rand.New(rand.NewPCG(3, 3))
	for i := range docs {
		text := make([]byte, 400)
		for j := range text {
			text[j] = 'a' + byte(r.IntN(26))
		}
		mustPut(t, d, store.Doc{ID: fmt.Sprintf("doc%04d", i), Body: fmt.Appendf(nil, `{"text":"%s"}`, text)})
	}
	if err := e.pdb.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	spoilLargest(t, filepath.Join(dir, pebbleDir))
	e = mustOpen(t, dir, Options{})
	defer e.Close()
	d, err := e.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	got, err := d.Check(context.Background(), func(damage Damage) { fmt.Fprintln(&told, damage) })
	if err != nil {
		t.Fatal(err)
	}
	if got.Docs+got.Damaged != docs || got.Docs == 0 || got.Damaged == 0 {
		t.Errorf("%+v of %d docs", got, docs)
	}
	for _, want := range []string{"log_a: docs: sequences between ", "log_a: docs that can't be read: \"doc0"} {
		if !strings.Contains(told.String(), want) {
			t.Errorf("nothing of %q in\n%s", want, &told)
		}
	}
}

// spoilLargest changes a byte in the first half of the largest table.
func spoilLargest(t *testing.T, dir string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(dir, "*.sst"))
	if err != nil {
		t.Fatal(err)
	}
	var largest string
	var data []byte
	for _, path := range tables {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > len(data) {
			largest, data = path, bytes.Clone(text)
		}
	}
	data[len(data)/4] ^= 4
	if err := os.WriteFile(largest, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
