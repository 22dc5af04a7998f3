package engine

import "github.com/cockroachdb/pebble/v2/vfs"

// logCategory is what Pebble writes its logs as.
const logCategory vfs.DiskWriteCategory = "pebble-wal"

// logAhead is how many bytes a log gets at a time beyond what is written.
const logAhead = 128 << 10

// logFile is one of Pebble's logs. It grows by more than what is written: a sync that changes nothing but bytes takes a third less
// than one that makes the file longer. What is beyond the last record are zeros, which Pebble takes for a log's end.
//
// Only one goroutine writes a log.
type logFile struct {
	diskFile
	written, room int64
}

func (f *logFile) Write(p []byte) (int, error) {
	if end := f.written + int64(len(p)); end > f.room && f.room >= 0 {
		f.room = end + logAhead
		if extend(f.Fd(), f.written, f.room-f.written) != nil {
			f.room = -1 // the file system can't, or has no room; writing tells
		}
	}
	n, err := f.diskFile.Write(p)
	f.written += int64(n)
	return n, err
}
