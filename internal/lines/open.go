package lines

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Open opens a file for reading, decompressed if its first bytes say that it is compressed; see DecompressNamed. Close closes
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

// NameError is the error of a file whose name says that it is compressed, but not its bytes.
type NameError struct{ Format, Suffix string }

func (e *NameError) Error() string {
	return fmt.Sprintf("is no %s file, though its name ends in %s", e.Format, e.Suffix)
}

// packing is a way in which files are compressed.
type packing struct {
	format, suffix, magic string
	open                  func(io.Reader) (io.Reader, error)
}

// packings are those that rotated logs are found in.
func packings() []packing {
	return []packing{
		// The magic of a gzip member (RFC 1952) with the one compression method there is.
		{"gzip", ".gz", "\x1f\x8b\x08", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"zstd", ".zst", "\x28\xb5\x2f\xfd", openZstd},
		{"bzip2", ".bz2", "BZh", func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil }},
		{"xz", ".xz", "\xfd7zXZ\x00", func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }},
	}
}

// maxWindow bounds the memory that a zstd file may ask for: what zstd itself takes without being told.
const maxWindow = 128 << 20

func openZstd(r io.Reader) (io.Reader, error) {
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
}

// TrimPacked is a file's name without what compressing has added to it.
func TrimPacked(name string) string {
	for _, p := range packings() {
		if stem, ok := strings.CutSuffix(name, p.suffix); ok {
			return stem
		}
	}
	return name
}

// DecompressNamed is Decompress of a file: one whose name ends like that of a compressed file must be one, or empty. Damage at its
// beginning would otherwise pass for lines. Its error is a *NameError then.
func DecompressNamed(src io.Reader, name string) (io.Reader, error) {
	r, err := Decompress(src)
	plain, ok := r.(*bufio.Reader)
	if !ok || err != nil {
		return r, err
	}
	for _, p := range packings() {
		if !strings.HasSuffix(name, p.suffix) {
			continue
		}
		if _, err := plain.Peek(1); err == nil {
			return nil, &NameError{Format: p.format, Suffix: p.suffix}
		}
	}
	return r, nil
}

// IsPacked tells whether what Decompress has given is decompressed.
func IsPacked(r io.Reader) bool {
	_, plain := r.(*bufio.Reader)
	return !plain
}

// Decompress gives src as it is or, if it begins like gzip, zstd, bzip2 or xz, what it decompresses to; all members of it.
func Decompress(src io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(src, 64<<10)
	for _, p := range packings() {
		head, err := buffered.Peek(len(p.magic))
		if err != nil && err != io.EOF {
			return nil, err
		}
		if string(head) == p.magic {
			return p.open(buffered)
		}
	}
	return buffered, nil
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
