package lines

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// gzipMagic begins every gzip member (RFC 1952) with the one compression method there is.
const gzipMagic = "\x1f\x8b\x08"

// Open opens a file for reading, decompressed if its first bytes say that it is gzip; see DecompressNamed. Close closes
// the file.
func Open(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fmt.Errorf("read %s: is a directory", path)
	}
	r, err := DecompressNamed(f, path)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &file{Reader: r, f: f}, nil
}

// ErrNotGzip is the error of a file whose name says that it is gzip, but not its bytes.
var ErrNotGzip = errors.New("is no gzip file, though its name ends in .gz")

// DecompressNamed is Decompress of a file: one whose name ends in .gz must be gzip, or empty. Damage at its beginning would
// otherwise pass for lines.
func DecompressNamed(src io.Reader, name string) (io.Reader, error) {
	r, err := Decompress(src)
	if plain, ok := r.(*bufio.Reader); ok && err == nil && strings.HasSuffix(name, ".gz") {
		if _, err := plain.Peek(1); err == nil {
			return nil, ErrNotGzip
		}
	}
	return r, err
}

// Decompress gives src as it is or, if it begins like gzip, what it decompresses to; all members of it.
func Decompress(src io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(src, 64<<10)
	head, err := buffered.Peek(len(gzipMagic))
	if err != nil && err != io.EOF {
		return nil, err
	}
	if string(head) != gzipMagic {
		return buffered, nil
	}
	return gzip.NewReader(buffered)
}

// file is a file with the reader that decompresses it.
type file struct {
	io.Reader
	f *os.File
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("read %s: %w", f.f.Name(), err)
	}
	return n, err
}

func (f *file) Close() error { return f.f.Close() }
