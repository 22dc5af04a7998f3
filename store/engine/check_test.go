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

// TestCheckUnfinished: what a crash has kept from being finished is no damage; a table of the store in the same state is.
func TestCheckUnfinished(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := mustOpen(t, dir, Options{})
	mustPut(t, mustCreate(t, e, "log_a"), store.Doc{ID: "a", Body: []byte(`{}`)})
	if err := e.pdb.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, pebbleDir)
	tables, err := filepath.Glob(filepath.Join(sub, "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	text, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	check := func() (files int, damage []string) {
		files, err := CheckFiles(context.Background(), dir, Options{}, func(d Damage) { damage = append(damage, d.String()) })
		if err != nil {
			t.Fatal(err)
		}
		return files, damage
	}
	files, damage := check()
	if len(damage) > 0 {
		t.Fatal(damage)
	}
	for name, part := range map[string][]byte{"999998.sst": text[:len(text)/2], "MANIFEST-999999": {1, 2, 3}} {
		if err := os.WriteFile(filepath.Join(sub, name), part, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if n, damage := check(); n != files || len(damage) > 0 {
		t.Errorf("%d files, then %d, damaged: %s", files, n, damage)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(tables[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, damage := check(); len(damage) != 1 || !strings.Contains(damage[0], filepath.Base(tables[0])) {
		t.Errorf("damaged: %s", damage)
	}
}

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
