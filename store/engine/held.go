package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"logctl/store"
)

// HeldError is the cause of a KindLocked: the process that has the store open.
type HeldError struct{ PID int }

func (e *HeldError) Error() string { return fmt.Sprintf("process %d has it open", e.PID) }

// lockError tells a directory that is in use from one whose lock file can't be made.
func lockError(dir, sub string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) || store.IsDiskFull(err) {
		return unreadable(fmt.Errorf("lock %s: %w", dir, err))
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if pid := holder(filepath.Join(sub, "LOCK")); pid > 0 {
			err = &HeldError{PID: pid}
		}
	}
	return &store.Error{Kind: store.KindLocked, Reason: fmt.Sprintf("The store in %s is in use.", dir), Err: err}
}

// holder is the process that has a lock of Pebble's, which is fcntl(2)'s; 0 if that can't be told. It is for other processes alone:
// when a file is closed, its locks of this one end.
func holder(path string) int {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Whence: io.SeekStart}
	if syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lock) != nil || lock.Type == syscall.F_UNLCK {
		return 0
	}
	return int(lock.Pid)
}
