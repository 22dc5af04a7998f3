package cut

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// onlyAppended gives no error if all who have the file open for writing append to it, as far as /proc tells, which to all but root
// tells only of their own programs. One that writes at a place of its own would go on there, behind a hole.
func onlyAppended(f *os.File, info fs.FileInfo) error {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		return kept("another program has it open, and there is no /proc to see how")
	}
	own := fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), f.Fd())
	hidden, read, written := false, false, false
	for _, process := range processes {
		fds, err := os.ReadDir(process + "/fd")
		if os.IsPermission(err) {
			hidden = true
		}
		for _, fd := range fds {
			path := process + "/fd/" + fd.Name()
			of, err := os.Stat(path)
			if err != nil || path == own || !os.SameFile(of, info) {
				continue
			}
			flags, err := openFlags(process + "/fdinfo/" + fd.Name())
			if err != nil {
				continue // closed meanwhile
			}
			if flags&syscall.O_ACCMODE == syscall.O_RDONLY {
				read = true
				continue
			}
			if flags&syscall.O_APPEND == 0 {
				return kept("process %s writes to it without O_APPEND and would leave a hole", filepath.Base(process))
			}
			written = true
		}
	}
	switch {
	case written, read && !hidden:
		return nil
	case hidden:
		return kept("another program has it open, and only root can see how")
	}
	return kept("another program has it open, and /proc does not tell which: in another container, say")
}

// openFlags reads with which flags a file was opened.
func openFlags(path string) (int, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "flags:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(text), 8, 64)
			return int(n), err
		}
	}
	return 0, fs.ErrNotExist
}
