package ca

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"testing"
	"time"

	"logctl/store"
)

// filled is a log with some records in it.
func filled(t *testing.T) []byte {
	t.Helper()
	c := newCA(t)
	code, err := c.NewCode("web1", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	c.mustSign(t, &Policy{}, newCSR(t, newKey(t), "web1", code))
	if _, err := c.Revoke("web1"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(c.dir, logFile))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A log that a crash has cut off anywhere has the records before, and takes more.
func TestLogCutOff(t *testing.T) {
	t.Parallel()
	text := filled(t)
	path := filepath.Join(t.TempDir(), logFile)
	for n := 0; n <= len(text); n++ {
		if n > 40 && n < len(text)-40 && n%37 != 0 {
			continue
		}
		if err := os.WriteFile(path, text[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBook(path, false)
		if err != nil {
			t.Fatalf("cut off at %d: %v", n, err)
		}
		before := len(b.issued) + len(b.codes)
		rec := record{Time: time.Now(), What: whatCode, Code: "x", Expires: time.Now()}
		if err := b.do(func() ([]record, error) { return []record{rec}, nil }); err != nil {
			t.Fatalf("cut off at %d: %v", n, err)
		}
		b.Close()
		if b, err = openBook(path, false); err != nil {
			t.Fatalf("cut off at %d and added to: %v", n, err)
		}
		if after := len(b.issued) + len(b.codes); after != before+1 {
			t.Errorf("cut off at %d: %d records, then %d", n, before, after)
		}
		b.Close()
	}
}

func TestLogDamaged(t *testing.T) {
	t.Parallel()
	text := filled(t)
	path := filepath.Join(t.TempDir(), logFile)
	open := func(text []byte) error {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := openBook(path, false)
		if err == nil {
			b.Close()
		}
		return err
	}
	for i := 0; i < len(text)-1; i += 7 {
		bent := bytes.Clone(text)
		bent[i] ^= 4
		if err := open(bent); err == nil {
			t.Errorf("byte %d bent, and nobody minds", i)
		}
	}
	if err := open(bytes.Replace(text, []byte("log 1\n"), []byte("log 2\n"), 1)); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("a newer log: %v", err)
	}
	if err := open([]byte("something else\n")); !store.IsKind(err, store.KindCorrupt) {
		t.Errorf("another file: %v", err)
	}
}

// A log that gets shorter under its reader is not taken for an empty one.
func TestLogShrinks(t *testing.T) {
	t.Parallel()
	c := newCA(t)
	c.mustSign(t, wordPolicy(), newCSR(t, newKey(t), "web1", word))
	if err := os.Truncate(filepath.Join(c.dir, logFile), 16); err != nil {
		t.Fatal(err)
	}
	if _, err := c.List(); !store.IsKind(err, store.KindCorrupt) {
		t.Errorf("%v", err)
	}
}

// FuzzRecord looks for panics in lines of the log, as they are and with a right checksum.
func FuzzRecord(f *testing.F) {
	f.Add([]byte(`{"time":"2026-11-26T04:30:00Z","what":"issue","serial":"1","name":"web1","dns":["web1","a.b"],"code":"c"}`))
	f.Add([]byte(`{"time":"2026-11-26T04:30:00Z","what":"code","code":"c","expires":"2026-11-27T04:30:00Z"}`))
	f.Add([]byte(`{"what":"revoke","serial":"1"}`))
	f.Add([]byte(`00000000 `))
	f.Fuzz(func(t *testing.T, line []byte) {
		_, _ = parseRecord(line)
		r, err := parseRecord(fmt.Appendf(nil, "%08x %s", crc32.Checksum(line, castagnoli), line))
		if err == nil {
			facts := newFacts()
			facts.apply(r)
			facts.apply(r)
		}
	})
}
