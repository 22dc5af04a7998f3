// Package cut takes away what is not needed any more of a file that others may write to: the beginning of a log, or all of it. No
// byte that somebody writes meanwhile is lost, and writers go on with the files that they have open.
//
// Between looking at a file and truncating it somebody can always write a line, so that is never done. Instead:
//
//   - a file that nobody else has open is locked by a lease of the kernel (fcntl(2), F_SETLEASE), during which nobody can open
//     it; then it is truncated to nothing, or removed. Those who want to open it wait for that long, a fraction of a millisecond;
//   - of one that is open for appending, whole blocks are taken out at its beginning (fallocate(2), FALLOC_FL_COLLAPSE_RANGE), which
//     the file system does in one step; ext4 and XFS can. The rest, less than a block, stays;
//   - one that is open for writing at a place of the writer's own would get a hole in front of the next line: it stays as it is.
//
// Where none of these can be done, or it can't be told, the file stays as it is, and Kept says why.
package cut

import (
	"fmt"
	"io"
	"io/fs"
)

// Kept is why a file, or a part of it, stays for now. It is no failure: nothing is lost, and another try may do better.
type Kept struct{ Reason string }

func (k *Kept) Error() string { return k.Reason }

func kept(format string, args ...any) error { return &Kept{fmt.Sprintf(format, args...)} }

// ErrSmall is for what is not worth it: whoever has the file open has written less than a block since the last time.
var ErrSmall = &Kept{"less than a block of it is shipped, and it is open elsewhere"}

// errChanged is for a file that is not as it was when it was read.
var errChanged = &Kept{"it is not the file that was read any more"}

// Done is what was taken away.
type Done struct {
	Bytes int64  // at the beginning of the file
	How   string // a word for people: Emptied, Collapsed, Removed
}

// What was done.
const (
	Emptied   = "emptied"
	Collapsed = "cut at its beginning"
	Removed   = "removed"
)

// Options are about one file.
type Options struct {
	Path string
	Is   func(fs.FileInfo) bool // tells whether it is still the same file
	Size int64                  // how much of it, from its beginning, is not needed any more
	// Before is called when it is known what will be done, and nothing is done yet; f is the file, which must not be opened by its
	// name now. Its error stops it.
	Before func(d Done, f io.ReaderAt) error
}
