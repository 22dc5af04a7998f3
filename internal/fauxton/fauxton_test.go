package fauxton

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// entry is a file of a package; a name that ends with a slash is a directory.
type entry struct{ name, content string }

func tgz(t *testing.T, entries ...entry) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Mode: 0o644, Size: int64(len(e.content)), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(e.content, "-> "); ok {
			h.Typeflag, h.Linkname, h.Size, e.content = tar.TypeSymlink, target, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// list gives the files below a directory with their contents.
func list(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, p))
		all = append(all, p+"="+string(text))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestInstall(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	files := Files(data)
	if _, err := fs.Stat(files, "index.html"); err == nil {
		t.Fatal("a file before anything is installed")
	}
	err := Install(data, tgz(t, entry{"package/package.json", "{}"}, entry{"package/dist/release/index.html", "one"},
		entry{"package/dist/release/js/a.js", "a"}, entry{"package/dist/release/link", "-> /etc/passwd"}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, data), "fauxton/index.html=one fauxton/js/a.js=a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if text, err := fs.ReadFile(files, "index.html"); err != nil || string(text) != "one" {
		t.Errorf("what was installed later is not found: %q, %v", text, err)
	}
	if err := Install(data, tgz(t, entry{"package/dist/release/index.html", "two"})); err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, data), "fauxton/index.html=two"; got != want {
		t.Errorf("the second time: got %s, want %s", got, want)
	}
}

// Whatever a package holds, nothing is written outside, and what was there stays.
func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	outside := tgz(t, entry{"package/dist/release/../../../../x", "x"}, entry{"/x", "x"}, entry{"../x", "x"})
	cases := map[string]*bytes.Buffer{
		"outside":   outside,
		"no app":    tgz(t, entry{"package/index.html", "x"}),
		"no tar":    bytes.NewBufferString("<html>"),
		"cut short": bytes.NewBuffer(tgz(t, entry{"package/dist/release/index.html", strings.Repeat("x", 1000)}).Bytes()[:60]),
		"a file as a directory": tgz(t, entry{"package/dist/release/index.html", "x"},
			entry{"package/dist/release/index.html/y", "y"}),
	}
	for name, pack := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			data := filepath.Join(root, "data")
			if err := Install(data, tgz(t, entry{"package/dist/release/index.html", "good"})); err != nil {
				t.Fatal(err)
			}
			if err := Install(data, pack); err == nil {
				t.Error("it was installed")
			}
			if got, want := list(t, root), "data/fauxton/index.html=good"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
