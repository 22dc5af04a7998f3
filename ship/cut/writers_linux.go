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
func onlyAppended(info fs.FileInfo) error {
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil || len(processes) == 0 {
		return kept("another program has it open, and there is no /proc to see how")
	}
	hidden, found := false, false
	for _, process := range processes {
		if process == fmt.Sprintf("/proc/%d", os.Getpid()) {
			continue
		}
		fds, err := os.ReadDir(process + "/fd")
		if os.IsPermission(err) {
			hidden = true
		}
		for _, fd := range fds {
			of, err := os.Stat(process + "/fd/" + fd.Name())
			if err != nil || !os.SameFile(of, info) {
				continue
			}
			flags, err := openFlags(process + "/fdinfo/" + fd.Name())
			if err != nil {
				continue // closed meanwhile
			}
			found = true
			if flags&syscall.O_ACCMODE != syscall.O_RDONLY && flags&syscall.O_APPEND == 0 {
				return kept("process %s writes to it without O_APPEND and would leave a hole", filepath.Base(process))
			}
		}
	}
	if hidden && !found {
		return kept("another program has it open, and only root can see how")
	}
	return nil
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
