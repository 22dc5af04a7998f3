package cut

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// From linux/fcntl.h and linux/falloc.h.
const (
	fSetLease     = 1024
	fGetLease     = 1025
	collapseRange = 0x08
)

// Front takes away the first Size bytes of a file, or as many of them as can be.
func Front(o Options) (Done, error) {
	f, info, err := open(o)
	if err != nil {
		return Done{}, err
	}
	defer f.Close()
	if o.Size == 0 {
		return Done{}, nil
	}
	leaseErr := lease(f)
	if leaseErr == nil {
		defer unlease(f)
		if info, err = f.Stat(); err != nil {
			return Done{}, err
		}
		if info.Size() == o.Size {
			d := Done{o.Size, Emptied}
			if err := o.Before(d, f); err != nil {
				return Done{}, err
			}
			return d, f.Truncate(0)
		}
	} else if err := onlyAppended(f, info); err != nil {
		return Done{}, err
	}
	return collapse(o, f, info)
}

// open opens the file and looks whether it is the right one and has what is to go.
func open(o Options) (*os.File, fs.FileInfo, error) {
	f, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || !o.Is(info) || info.Size() < o.Size) {
		err = errChanged
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// collapse takes whole blocks out of the beginning.
func collapse(o Options, f *os.File, info fs.FileInfo) (Done, error) {
	var fsys syscall.Statfs_t
	if err := syscall.Fstatfs(int(f.Fd()), &fsys); err != nil {
		return Done{}, err
	}
	block := max(fsys.Bsize, 1)
	n := o.Size / block * block
	if n == info.Size() { // something must be left
		n -= block
	}
	if n <= 0 {
		return Done{}, ErrSmall
	}
	d := Done{n, Collapsed}
	if err := o.Before(d, f); err != nil {
		return Done{}, err
	}
	err := syscall.Fallocate(int(f.Fd()), collapseRange, 0, n)
	switch {
	case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ETXTBSY):
		return Done{}, kept("it is open elsewhere, and its file system can't cut off the beginning of a file")
	case err != nil:
		return Done{}, err
	}
	return d, nil
}

// lease makes sure that nobody else has the file open, nor opens it before unlease.
func lease(f *os.File) error {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), fSetLease, syscall.F_WRLCK)
	switch errno {
	case 0:
		return nil
	case syscall.EAGAIN:
		return kept("another program has it open")
	case syscall.EACCES:
		return kept("only its owner, or root, can find out whether another program has it open")
	}
	return kept("its file system can't tell whether another program has it open")
}

// unlease lets others open the file again.
func unlease(f *os.File) {
	_, _, _ = syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), fSetLease, syscall.F_UNLCK)
}

// awaited tells whether somebody waits for the lease's end.
func awaited(f *os.File) bool {
	kind, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), fGetLease, 0)
	return errno != 0 || kind != syscall.F_WRLCK
}

// settleTime is how long one that has looked a name up may take to open what it means.
const settleTime = 100 * time.Millisecond

// goingSuffix is what a file's name gets before it is removed.
const goingSuffix = ".logctl-going"

// Remove removes a file that has Size bytes, unless somebody has it open. It is renamed first, so that whoever opens it by its name
// from then on makes a new one.
func Remove(o Options) (Done, error) {
	f, info, err := open(o)
	if err != nil {
		return Done{}, err
	}
	defer f.Close()
	if err := lease(f); err != nil {
		return Done{}, err
	}
	unlease(f) // nobody has it open now
	if link, err := os.Lstat(o.Path); err != nil || !link.Mode().IsRegular() {
		return Done{}, errors.Join(err, kept("its name is a link"))
	}
	if info.Size() != o.Size {
		return Done{}, kept("something stands in it that is not shipped")
	}
	d := Done{o.Size, Removed}
	if err := o.Before(d, f); err != nil {
		return Done{}, err
	}
	going := o.Path + goingSuffix
	if err := moveTo(o.Path, going); err != nil {
		return Done{}, err
	}
	time.Sleep(settleTime)
	err = removeUnused(f, going, o)
	if err == nil {
		return d, syncDir(filepath.Dir(o.Path))
	}
	if back := moveTo(going, o.Path); back != nil {
		return Done{}, errors.Join(err, kept("it is %s now", going))
	}
	return Done{}, err
}

// GiveBack gives a file its name back that a crash has left half removed.
func GiveBack(path string) error {
	going := path + goingSuffix
	if _, err := os.Lstat(going); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := moveTo(going, path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil // there is a new file; what is left of the old one is found by its number
}

// removeUnused removes the file that has the name going now, if it still has only what is to go and nobody has it open.
func removeUnused(f *os.File, going string, o Options) error {
	if err := lease(f); err != nil {
		return err
	}
	defer unlease(f)
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if named, err := os.Lstat(going); err != nil || !os.SameFile(named, info) || !o.Is(info) {
		return errors.Join(err, errChanged)
	}
	if info.Size() != o.Size || awaited(f) {
		return kept("another program has opened it")
	}
	return os.Remove(going)
}

// moveTo renames a file, in one step, unless the new name is taken: what gets the old name meanwhile must not be removed.
func moveTo(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return kept("its file system can't rename it without a risk for others")
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
