//go:build !linux

package storebench

import (
	"io/fs"
	"os"
)

// occupied is what a file takes, as far as this system tells.
func occupied(info fs.FileInfo) int64 { return info.Size() }

func syncData(f *os.File) error { return f.Sync() }
