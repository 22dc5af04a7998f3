package ship

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCopies ships an X and an X.gz that are both there: no line is lost, whichever of the two is still being made.
func TestCopies(t *testing.T) {
	t.Parallel()
	whole := strings.Repeat("2026-11-21 a line of the log\n", 10_000)
	part := whole[:len(whole)/2]
	gz := zip(whole)
	for name, c := range map[string]struct {
		plain, gz string
		want      copies
	}{
		"being compressed":         {whole, gz[:len(gz)/2], gzipIsPart},
		"only begun":               {whole, gz[:5], gzipIsPart},
		"compressed, not removed":  {whole, gz, gzipIsPart},
		"grown after":              {whole + "one more\n", gz, gzipIsPart},
		"being unpacked":           {part, gz, plainIsPart},
		"unpacking begun":          {"", gz, plainIsPart},
		"another file":             {"another\n", gz, unrelated},
		"another file, at the end": {part + strings.Repeat("x", len(part)), gz, unrelated},
	} {
		dir := t.TempDir()
		plain := openFile(t, write(t, filepath.Join(dir, "x"), c.plain))
		if got := compareCopies(openFile(t, write(t, filepath.Join(dir, "x.gz"), c.gz)), plain); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
		p, err := makePlan([]string{filepath.Join(dir, "x*")})
		if err != nil {
			t.Fatal(err)
		}
		var read []string
		for _, in := range p.inputs {
			read = append(read, filepath.Base(in.path))
		}
		p.close()
		want := map[copies]int{gzipIsPart: 1, plainIsPart: 1, unrelated: 2}[c.want]
		if len(read) != want || len(p.notes) != 2-want || c.want == gzipIsPart && read[0] != "x" || c.want == plainIsPart && read[0] != "x.gz" {
			t.Errorf("%s: reads %q, says %q", name, read, p.notes)
		}
	}
}

func openFile(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
