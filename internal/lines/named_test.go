package lines

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestOpenNamedGzip shows that a name that ends in .gz is a promise.
func TestOpenNamedGzip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		want       error
	}{
		{"garbage.gz", "garbage\n", ErrNotGzip},
		{"short.gz", "\x1f", ErrNotGzip},
		{"empty.gz", "", nil},
		{"plain.log", "garbage\n", nil},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if !errors.Is(err, c.want) {
			t.Errorf("open %s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			f.Close()
		}
	}
}
