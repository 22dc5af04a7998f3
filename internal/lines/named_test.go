package lines

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestOpenNamed shows that a name that ends in .gz is a promise.
func TestOpenNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, c := range []struct {
		name, text string
		want       string
	}{
		{"garbage.gz", "garbage\n", "gzip"},
		{"short.gz", "\x1f", "gzip"},
		{"garbage.zst", "\x1f\x8b", "zstd"},
		{"garbage.bz2", "BZ", "bzip2"},
		{"garbage.xz", "7z", "xz"},
		{"empty.gz", "", ""},
		{"plain.log", "garbage\n", ""},
	} {
		path := filepath.Join(dir, c.name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		var name *NameError
		if errors.As(err, &name) != (c.want != "") || name != nil && name.Format != c.want {
			t.Errorf("open %s: %v, want %v", c.name, err, c.want)
		}
		if err == nil {
			f.Close()
		}
	}
}
