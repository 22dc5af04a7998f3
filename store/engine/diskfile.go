package engine

import (
	"os"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// The changing methods of vfs.FS and vfs.File, each through disk.change, or disk.settle where a second try is no proof.

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.change(func() error {
		f, err = d.FS.Create(name, c)
		return err
	})
	if err == nil && c == logCategory {
		return &logFile{diskFile: diskFile{File: f, disk: d}}, nil
	}
	return d.file(f, err)
}

func (d *disk) OpenReadWrite(name string, c vfs.DiskWriteCategory, opts ...vfs.OpenOption) (f vfs.File, err error) {
	err = d.change(func() error {
		f, err = d.FS.OpenReadWrite(name, c, opts...)
		return err
	})
	return d.file(f, err)
}

// ReuseForWrite makes a new file where the old one can't be reused, so that a retry never depends on how far the first
// try came.
func (d *disk) ReuseForWrite(oldname, newname string, c vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.change(func() error {
		f, err = d.FS.ReuseForWrite(oldname, newname, c)
		if err != nil && store.IsDiskFull(err) {
			f, err = d.FS.Create(newname, c)
		}
		return err
	})
	return d.file(f, err)
}

func (d *disk) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	return d.file(f, err)
}

func (d *disk) file(f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return &diskFile{File: f, disk: d}, nil
}

func (d *disk) Link(oldname, newname string) error {
	return d.change(func() error { return d.FS.Link(oldname, newname) })
}

func (d *disk) Rename(oldname, newname string) error {
	return d.change(func() error { return d.FS.Rename(oldname, newname) })
}

func (d *disk) MkdirAll(dir string, perm os.FileMode) error {
	return d.change(func() error { return d.FS.MkdirAll(dir, perm) })
}

// Remove's errors are Pebble's: a file that stays takes room and does no harm.
func (d *disk) Remove(name string) error {
	if d.stopped() {
		select {}
	}
	return d.FS.Remove(name)
}

func (d *disk) RemoveAll(name string) error {
	if d.stopped() {
		select {}
	}
	return d.FS.RemoveAll(name)
}

func (d *disk) Unwrap() vfs.FS { return d.FS }

type diskFile struct {
	vfs.File
	disk *disk
}

// Write goes on after what was written when the room ran out.
func (f *diskFile) Write(p []byte) (int, error) {
	done := 0
	err := f.disk.change(func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	return done, err
}

func (f *diskFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.disk.change(func() error {
		n, err = f.File.WriteAt(p, off)
		return err
	})
	return n, err
}

// Preallocate does nothing. Pebble asks for more than a memtable's size for each log: more than all docs of a small store take.
// A logFile makes room by itself.
func (f *diskFile) Preallocate(off, length int64) error { return nil }

func (f *diskFile) Sync() error     { return f.disk.settle(f.File.Sync) }
func (f *diskFile) SyncData() error { return f.disk.settle(f.File.SyncData) }
func (f *diskFile) Close() error    { return f.disk.settle(f.File.Close) }

func (f *diskFile) SyncTo(length int64) (full bool, err error) {
	err = f.disk.settle(func() error {
		full, err = f.File.SyncTo(length)
		return err
	})
	return full, err
}
