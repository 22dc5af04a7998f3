package engine

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

const (
	// formatVersion names the layout of keys and records. A store of a greater one is left alone; one of a lesser is one of
	// this that lacks what came since, and is marked as this when it is opened.
	formatVersion = 4

	versionFile = "VERSION"
	pebbleDir   = "pebble"
)

// versionLine is what the version file of a store holds: readable with cat, checked by its own sum.
func versionLine(version int) string {
	text := fmt.Sprintf("logctl engine format %d", version)
	return fmt.Sprintf("%s crc32c %08x\n", text, crc32.Checksum([]byte(text), crc32.MakeTable(crc32.Castagnoli)))
}

// readVersion is the format version of the store in dir, 0 if there is none yet. It changes nothing.
func readVersion(fsys vfs.FS, dir string) (int, error) {
	path := fsys.PathJoin(dir, versionFile)
	f, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, refuseStranger(fsys, dir)
	}
	if err != nil {
		return 0, unreadable(err)
	}
	defer f.Close()
	line, err := io.ReadAll(io.LimitReader(f, 256))
	if err != nil {
		return 0, unreadable(err)
	}
	rest, ok := strings.CutPrefix(string(line), "logctl engine format ")
	number, _, ok2 := strings.Cut(rest, " ")
	version, err := strconv.Atoi(number)
	if !ok || !ok2 || err != nil || version < 1 {
		return 0, errCorrupt(fmt.Errorf("%s is not a version file", path))
	}
	if version > formatVersion {
		return 0, &store.Error{
			Kind:   store.KindNewerFormat,
			Reason: fmt.Sprintf("The store in %s has engine format %d; this logctl knows formats up to %d.", dir, version, formatVersion),
			Hint:   "use the logctl that wrote it, or a newer one",
		}
	}
	if string(line) != versionLine(version) {
		return 0, errCorrupt(fmt.Errorf("%s: wrong checksum", path))
	}
	return version, nil
}

// refuseStranger errs when dir holds a Pebble store without our version file.
func refuseStranger(fsys vfs.FS, dir string) error {
	names, err := fsys.List(fsys.PathJoin(dir, pebbleDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unreadable(err)
	}
	for _, name := range names {
		if strings.HasPrefix(name, "MANIFEST") {
			return errCorrupt(fmt.Errorf("%s holds a store but no %s file", dir, versionFile))
		}
	}
	return nil
}

// writeVersion makes the version file, whole or not at all.
func writeVersion(fsys vfs.FS, dir string) error {
	path := fsys.PathJoin(dir, versionFile)
	f, err := fsys.Create(path+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(versionLine(formatVersion)))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := fsys.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(fsys, dir)
}

// makeDir makes dir and what of its parents is missing, for this user alone, so that they survive a crash.
func makeDir(fsys vfs.FS, dir string) error {
	var missing []string
	for d := dir; ; d = fsys.PathDir(d) {
		if _, err := fsys.Stat(d); !errors.Is(err, fs.ErrNotExist) || fsys.PathDir(d) == d {
			break
		}
		missing = append(missing, d)
	}
	if len(missing) == 0 {
		return nil
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, d := range missing {
		if err := syncDir(fsys, fsys.PathDir(d)); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// unreadable gives an error of opening a store its kind.
func unreadable(err error) error {
	switch {
	case err == nil:
		return nil
	case store.IsDiskFull(err):
		return &store.Error{Kind: store.KindNoSpace, Reason: "No space left for the store.", Err: err}
	case errors.Is(err, os.ErrPermission):
		return &store.Error{Kind: store.KindUnavailable, Reason: "The store can't be opened.", Err: err,
			Hint: "the data directory must be readable and writable for this user"}
	}
	return &store.Error{Kind: store.KindUnavailable, Reason: "The store can't be opened.", Err: err}
}
