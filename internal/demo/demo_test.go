package demo

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := Options{From: from, Until: from.AddDate(0, 0, 30), Seed: 1}
	var a, b bytes.Buffer
	if err := Write(&a, o); err != nil {
		t.Fatal(err)
	}
	if err := Write(&b, o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same options give other bytes")
	}
	lines := strings.Split(strings.TrimSuffix(a.String(), "\n"), "\n")
	bans, unbans := 0, 0
	for i, line := range lines {
		if i > 0 && line[:23] < lines[i-1][:23] {
			t.Fatalf("time runs backwards at %q", line)
		}
		bans += strings.Count(line, "] Ban ")
		unbans += strings.Count(line, "] Unban ")
	}
	if bans < 1000 || bans != unbans {
		t.Errorf("%d bans, %d unbans in %d lines", bans, unbans, len(lines))
	}
}
