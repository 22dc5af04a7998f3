package ship

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
)

// TestRejectsToPipe writes rejects to a pipe, which must not be read: that would take forever.
func TestRejectsToPipe(t *testing.T) {
	t.Parallel()
	from, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	defer to.Close()
	path := fmt.Sprintf("/proc/self/fd/%d", to.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("no names for open files here:", err)
	}
	r, err := openRejects(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(r.add([]byte("a line"), 0), r.close()); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(from).ReadString('\n'); line != "a line\n" || err != nil {
		t.Errorf("got %q, %v", line, err)
	}
}

// TestRejectsToFullDisk: what can't be kept is told at the end; a device that gives bytes without end is not read.
func TestRejectsToFullDisk(t *testing.T) {
	t.Parallel()
	const full = "/dev/full"
	if _, err := os.Stat(full); err != nil {
		t.Skip("no full disk to be had:", err)
	}
	r, err := openRejects(full, 0)
	if err != nil {
		t.Fatal(err)
	}
	r.add([]byte("a line"), 0)
	if err := r.close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v", err)
	}
}
