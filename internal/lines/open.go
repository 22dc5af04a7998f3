package lines

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
)

// gzipMagic begins every gzip member (RFC 1952) with the one compression method there is.
const gzipMagic = "\x1f\x8b\x08"

// Open opens a file for reading, decompressed if its first bytes say that it is gzip, whatever its name. Close closes
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
	r, err := Decompress(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return &file{Reader: r, f: f}, nil
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
