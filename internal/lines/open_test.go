package lines

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

func zipped(t *testing.T, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestOpen(t *testing.T) {
	t.Parallel()
	whole := zipped(t, "a\n", "b\n")
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-5] ^= 1
	tests := []struct {
		name, content, want, errText string
	}{
		{"plain", "a\n", "a\n", ""},
		{"empty", "", "", ""},
		{"short", "\x1f", "\x1f", ""},
		{"gzip of two members", string(whole), "a\nb\n", ""},
		{"cut gzip", string(whole[:len(whole)-3]), "", "unexpected EOF"},
		{"damaged gzip", string(damaged), "", "checksum"},
		{"no gzip after all", "\x1f\x8b\x08\xff", "", "EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.1")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := Open(path)
			var data []byte
			if err == nil {
				defer r.Close()
				data, err = io.ReadAll(r)
			}
			if tt.errText == "" {
				if err != nil || string(data) != tt.want {
					t.Errorf("got %q, %v; want %q", data, err, tt.want)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.errText) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v; want an error with %q that names the file", err, tt.errText)
			}
		})
	}
}

func TestOpenNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
	if _, err := Open(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("directory: %v", err)
	}
}

// TestDecompress reads what each way to compress makes, cut off too.
func TestDecompress(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a line of the log\n", 5000)
	for name, pack := range map[string]func(io.Writer) (io.WriteCloser, error){
		"x.gz":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
		"x.zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w) },
		"x.xz":  func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) },
	} {
		var b bytes.Buffer
		w, err := pack(&b)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		r, err := DecompressNamed(bytes.NewReader(b.Bytes()), name)
		if err != nil || !IsPacked(r) {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != text {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if r, err = DecompressNamed(bytes.NewReader(b.Bytes()[:b.Len()-9]), name); err == nil {
			_, err = io.ReadAll(r)
		}
		if err == nil {
			t.Errorf("%s: cut off, and no error", name)
		}
		if TrimPacked(name) != "x" || TrimPacked("x.log") != "x.log" {
			t.Errorf("%s is %s", name, TrimPacked(name))
		}
	}
	const bz2 = "QlpoOTFBWSZTWeH33BkAAAFRAAAQQAAiJSAAIgybQhgG0EKLuSKcKEhw++4MgA=="
	packed, _ := base64.StdEncoding.DecodeString(bz2)
	r, err := DecompressNamed(bytes.NewReader(packed), "x.bz2")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "a line\n" {
		t.Errorf("x.bz2: %q, %v", got, err)
	}
}
