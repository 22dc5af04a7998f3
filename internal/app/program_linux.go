package app

import (
	"bufio"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"syscall"
)

// unmapProgram takes the pages of the program's file out of the process's memory: Linux maps the file in blocks of up to 2 MB, so
// that the whole program is soon in memory, whatever of it is used. The pages stay in the page cache for as long as the system has
// room, and come back from there when they are used. Nothing else happens where the system doesn't say what is mapped.
func unmapProgram() {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	all, err := readMappings(bufio.NewScanner(f))
	if err != nil {
		return
	}
	for _, m := range programOf(all, uint64(reflect.ValueOf(unmapProgram).Pointer())) {
		// An error leaves the pages where they are.
		_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, uintptr(m.start), uintptr(m.end-m.start), syscall.MADV_DONTNEED)
	}
}

// mapping is a part of the process's memory, as /proc/self/smaps tells it (proc_pid_smaps(5)).
type mapping struct {
	start, end uint64
	access     string // "r-xp"
	file       string // device and inode
	own        int    // KiB that are no longer the file's
}

// readMappings reads /proc/self/smaps.
func readMappings(lines *bufio.Scanner) ([]mapping, error) {
	var all []mapping
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) >= 5 && !strings.HasSuffix(f[0], ":") {
			from, to, _ := strings.Cut(f[0], "-")
			start, err := strconv.ParseUint(from, 16, 64)
			end, err2 := strconv.ParseUint(to, 16, 64)
			if err := errors.Join(err, err2); err != nil {
				return nil, err
			}
			all = append(all, mapping{start: start, end: end, access: f[1], file: f[3] + " " + f[4]})
			continue
		}
		if len(all) == 0 || len(f) < 2 {
			continue
		}
		m := &all[len(all)-1]
		if f[0] == "Anonymous:" {
			var err error
			if m.own, err = strconv.Atoi(f[1]); err != nil {
				return nil, err
			}
		}
	}
	return all, lines.Err()
}

// programOf gives the mappings of the file that the code at pc is from, those that are as in the file and can't be written.
func programOf(all []mapping, pc uint64) []mapping {
	var file string
	for _, m := range all {
		if m.start <= pc && pc < m.end {
			file = m.file
		}
	}
	var program []mapping
	for _, m := range all {
		if m.file == file && m.own == 0 && strings.HasPrefix(m.access, "r-") {
			program = append(program, m)
		}
	}
	return program
}
