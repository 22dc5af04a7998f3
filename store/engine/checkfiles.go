package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// Damage is one thing that a check found wrong.
type Damage struct {
	DB   store.DBName // "" where it is of no single database
	What string
}

// String is the damage in one line.
func (d Damage) String() string {
	what, _, _ := strings.Cut(d.What, "\n")
	if d.DB == "" {
		return what
	}
	return string(d.DB) + ": " + what
}

// CheckFiles verifies the checksums of all files of the store in dir, which nobody may have open: the version, each block of the
// tables, each record of the logs and of the manifest. It changes nothing. report is called for each file that is damaged.
//
// The end of the newest log may be torn, as a crash leaves it: what is behind it was acknowledged to nobody. Tables and manifests that a
// crash has kept from being finished are part of nothing, and the next start removes them. Nothing reads the OPTIONS files (see
// dropOptions), and LOCK and the markers are empty: there is nothing to verify in them.
func CheckFiles(ctx context.Context, dir string, o Options, report func(Damage)) (files int, err error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if _, err := readVersion(o.FS, dir); store.IsKind(err, store.KindCorrupt) {
		report(Damage{What: err.Error()})
	} else if err != nil {
		return 0, err
	}
	sub := o.FS.PathJoin(dir, pebbleDir)
	names, err := o.FS.List(sub)
	if err != nil {
		return 0, unreadable(err)
	}
	lock, err := pebble.LockDirectory(sub, o.FS)
	if err != nil {
		return 0, lockError(dir, sub, err)
	}
	defer lock.Close()
	slices.Sort(names)
	unused := unusedFiles(o.FS, sub, lock, names)
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return files, err
		}
		check := fileCheck(name)
		if check == nil || unused[name] {
			continue
		}
		files++
		if err := check(ctx, o.FS, o.FS.PathJoin(sub, name)); err != nil {
			report(Damage{What: fmt.Sprintf("file %s: %v", path.Join(pebbleDir, name), err)})
		}
	}
	return files, nil
}

// unusedFiles are those tables and manifests of a directory that are no part of the store; none where what is can't be found out.
func unusedFiles(fsys vfs.FS, dir string, lock *pebble.Lock, names []string) (unused map[string]bool) {
	defer func() {
		if recover() != nil { // Pebble reads what it takes to be its own
			unused = nil
		}
	}()
	now, err := pebble.Peek(dir, fsys)
	if err != nil {
		return nil
	}
	db, err := pebble.Open(dir, &pebble.Options{
		FS: withoutOptions{fsys}, Lock: lock, ReadOnly: true, FormatMajorVersion: now.FormatMajorVersion,
		Logger: &pebbleLogger{log: slog.New(slog.DiscardHandler), disk: newDisk(fsys, nil)},
	})
	if err != nil {
		return nil
	}
	defer db.Close()
	levels, err := db.SSTables()
	if err != nil {
		return nil
	}
	used := map[string]bool{fsys.PathBase(now.ManifestFilename): true}
	for _, tables := range levels {
		for _, t := range tables {
			used[t.FileNum.String()+".sst"] = true
		}
	}
	unused = map[string]bool{}
	for _, name := range names {
		if path.Ext(name) == ".sst" || strings.HasPrefix(name, manifestPrefix) {
			unused[name] = !used[name]
		}
	}
	return unused
}

// withoutOptions is a file system without OPTIONS files: one that is damaged keeps Pebble from opening a store.
type withoutOptions struct{ vfs.FS }

func (f withoutOptions) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	return slices.DeleteFunc(names, func(name string) bool { return strings.HasPrefix(name, optionsPrefix) }), err
}

const manifestPrefix = "MANIFEST-"

// fileCheck is how a file of that name is verified, nil if there is nothing in it to verify.
func fileCheck(name string) func(ctx context.Context, fsys vfs.FS, path string) error {
	ext := path.Ext(name)
	n, err := strconv.ParseUint(strings.TrimSuffix(name, ext), 10, 64)
	switch {
	case ext == ".sst" && err == nil:
		return checkTable
	case ext == ".log" && err == nil:
		return func(ctx context.Context, fsys vfs.FS, path string) error { return checkLog(ctx, fsys, path, n, true) }
	case strings.HasPrefix(name, manifestPrefix):
		return func(ctx context.Context, fsys vfs.FS, path string) error { return checkLog(ctx, fsys, path, 0, false) }
	}
	return nil
}

func checkTable(ctx context.Context, fsys vfs.FS, path string) (err error) {
	defer catch(&err)
	f, err := fsys.Open(path)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	filter := idFilter{bloom.FilterPolicy(10)}
	r, err := sstable.NewReader(ctx, readable, sstable.ReaderOptions{Filters: map[string]sstable.FilterPolicy{filter.Name(): filter}})
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// catch makes an error of a panic: of code that reads what it takes to be its own.
func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("unreadable: %v", p)
	}
}

// checkLog reads all records of a log or a manifest. torn tells that it may end in the middle of one.
func checkLog(ctx context.Context, fsys vfs.FS, path string, number uint64, torn bool) (err error) {
	defer catch(&err)
	f, err := fsys.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r := newLogReader(record.NewReader, f, number)
	for ctx.Err() == nil {
		rec, err := r.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, rec)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case torn && (errors.Is(err, record.ErrUnexpectedEOF) || errors.Is(err, io.ErrUnexpectedEOF)):
			return nil
		case err != nil:
			return fmt.Errorf("at byte %d: %w", r.Offset(), err)
		}
	}
	return ctx.Err()
}

// newLogReader names the type of a file's number, which Pebble does not.
func newLogReader[N ~uint64](open func(io.Reader, N) *record.Reader, r io.Reader, number uint64) *record.Reader {
	return open(r, N(number))
}
