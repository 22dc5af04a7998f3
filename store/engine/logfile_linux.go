package engine

import "syscall"

// extend makes a file longer, by room that reads as zeros.
func extend(fd uintptr, off, length int64) error {
	for {
		if err := syscall.Fallocate(int(fd), 0, off, length); err != syscall.EINTR {
			return err
		}
	}
}
