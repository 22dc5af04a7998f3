package kernel

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"logctl/store"
)

// A device gives a record at each read, nothing where there is none, and waits until there is one or the context ends.
func TestDevice(t *testing.T) {
	t.Parallel()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	k := newKmsg(os.NewFile(uintptr(pair[0]), "kmsg"))
	defer k.close()
	put := func(text string) {
		if _, err := unix.Write(pair[1], []byte(text)); err != nil {
			t.Error(err)
		}
	}
	var b [100]byte
	get := func(wait bool) string {
		t.Helper()
		n, err := k.read(t.Context(), b[:], wait)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if _, err := k.read(t.Context(), b[:], false); !errors.Is(err, errNoMore) {
		t.Fatal(err)
	}
	put("one")
	put("two")
	if one, two := get(false), get(true); one != "one" || two != "two" {
		t.Errorf("%s, %s", one, two)
	}
	timer := time.AfterFunc(10*time.Millisecond, func() { put("three") })
	defer timer.Stop()
	if three := get(true); three != "three" {
		t.Error(three)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := k.read(ctx, b[:], true); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// The machine's own kernel, where this account may read it.
func TestRealKernel(t *testing.T) {
	t.Parallel()
	to := &sink{}
	s := New(Options{MaxLine: 1 << 20})
	to.s = s
	for range 2 {
		err := s.Run(t.Context(), to, to)
		if errors.Is(err, fs.ErrNotExist) || store.IsKind(err, store.KindForbidden) {
			t.Skipf("SKIPPED: the kernel's messages are not read: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	for _, line := range to.lines {
		seen[line]++
	}
	if len(to.lines) == 0 || len(seen) < len(to.lines)/2 {
		t.Errorf("%d lines, %d different", len(to.lines), len(seen))
	}
}
