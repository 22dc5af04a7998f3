package cmd

import (
	"strings"
	"testing"

	"logctl/format/preset"
	"logctl/internal/lines"
)

// TestUnderstandLongLine shows that a line which is read only because --max-line says so is not tried with all presets.
func TestUnderstandLongLine(t *testing.T) {
	t.Parallel()
	set, err := preset.Load()
	if err != nil {
		t.Fatal(err)
	}
	parser, err := set.Parser("json", preset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p := namedParser{"json", parser}
	const around = len(`{"a":""}`)
	for n, want := range map[int]bool{lines.DefaultMax: true, lines.DefaultMax + 1: false} {
		line := `{"a":"` + strings.Repeat("x", n-around) + `"}`
		if _, ok := p.understand([]byte(line)); ok != want || len(line) != n {
			t.Errorf("%d bytes: %v", len(line), ok)
		}
	}
}
