package ship

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCopies ships an X and an X.gz that are both there: no line is lost and none is doubled, whichever of the two is still being made.
func TestCopies(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("2026-11-21 a line of the log\n", 10_000)
	part := whole[:len(whole)/2]
	gz := zip(whole)
	for name, c := range map[string]struct {
		plain, gz string
		want      string
	}{
		"being compressed":         {whole, gz[:len(gz)/2], whole},
		"only begun":               {whole, gz[:5], whole},
		"compressed, not removed":  {whole, gz, whole},
		"grown after":              {whole + "one more\n", gz, whole + "one more\n"},
		"being unpacked":           {part, gz, whole},
		"unpacking begun":          {"", gz, whole},
		"another file":             {"another\n", gz, whole + "another\n"},
		"another file, at the end": {part + strings.Repeat("x", len(part)) + "\n", gz, ""},
	} {
		for _, first := range []string{"x", "x.gz"} {
			t.Run(name+", "+first+" first", func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				f := newFake(t)
				write(t, filepath.Join(dir, "x"), c.plain)
				write(t, filepath.Join(dir, "x.gz"), c.gz)
				old := time.Now().Add(-time.Hour)
				if err := os.Chtimes(filepath.Join(dir, first), old, old); err != nil {
					t.Fatal(err)
				}
				o := plainOptions(f, filepath.Join(dir, "x*"))
				if _, err := Run(t.Context(), o); err != nil {
					t.Fatal(err)
				}
				if c.want != "" {
					wantCounts(t, f, c.want)
				}
			})
		}
	}
}

// wantCounts is wantLines without showing them.
func wantCounts(t *testing.T, f *fakeCouch, text string) {
	t.Helper()
	got := f.lines()
	for line := range strings.Lines(text) {
		got[strings.TrimSuffix(line, "\n")]--
	}
	for line, n := range got {
		if n != 0 {
			t.Errorf("%q is there %d times too often", line[:min(len(line), 40)], n)
		}
	}
}
