// Package fauxton puts CouchDB's web interface where `logctl serve` finds it: the built app, which the npm package fauxton
// carries in dist/release, in the directory fauxton of a data directory. It is not part of logctl.
package fauxton

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Version is the release of the npm package that logctl is tested with.
const Version = "1.2.6"

// release is where the npm package has the built app; npm puts everything below package/.
const release = "package/dist/release/"

// Bounds of what Install unpacks; the release has 23 files of 5 MiB together.
const (
	maxFiles = 1000
	maxBytes = 64 << 20
)

// Dir is the place of the app in a data directory.
func Dir(data string) string { return filepath.Join(data, "fauxton") }

// Files are the app's files in a data directory. There may be none yet: what is installed later is found.
func Files(data string) fs.FS { return os.DirFS(Dir(data)) }

// Install unpacks the app out of the npm package, a .tgz, into a data directory and replaces one that is there. After an
// error the one that was there is still in place.
func Install(data string, tgz io.Reader) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	fresh, err := os.MkdirTemp(data, "fauxton.new-")
	if err != nil {
		return fmt.Errorf("make a directory for Fauxton: %w", err)
	}
	defer os.RemoveAll(fresh)
	if err := unpack(fresh, tgz); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(fresh, "index.html")); err != nil {
		return errors.New("this is not the npm package fauxton: it has no dist/release/index.html")
	}
	return replace(Dir(data), fresh)
}

// replace puts the directory fresh in the place of dir.
func replace(dir, fresh string) error {
	old := fresh + ".old"
	err := os.Rename(dir, old)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("put the earlier Fauxton aside: %w", err)
	}
	had := err == nil
	if err := os.Rename(fresh, dir); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, dir))
		}
		return fmt.Errorf("put Fauxton in place: %w", err)
	}
	return os.RemoveAll(old)
}

// unpack writes the release's regular files below dir.
func unpack(dir string, tgz io.Reader) error {
	z, err := gzip.NewReader(tgz)
	if err != nil {
		return fmt.Errorf("read the package: %w", err)
	}
	left := int64(maxBytes)
	files := 0
	for entries := tar.NewReader(z); ; {
		e, err := entries.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the package: %w", err)
		}
		name, ok := strings.CutPrefix(path.Clean(e.Name), release)
		if !ok || e.Typeflag != tar.TypeReg {
			continue
		}
		files++
		if left -= e.Size; left < 0 || files > maxFiles {
			return fmt.Errorf("the package holds more than %d files or %d MiB", maxFiles, maxBytes>>20)
		}
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), entries); err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
	}
}

func write(file string, content io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}
