package storebench

import (
	"io/fs"
	"os"
	"syscall"
)

// occupied is what a file takes on its disk: a log that was made larger than it is filled takes it all.
func occupied(info fs.FileInfo) int64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Blocks * 512
	}
	return info.Size()
}

func syncData(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
