//go:build linux

package cut

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// file makes a file and gives Options to cut off all of it.
func file(t *testing.T, text string) Options {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return options(t, path, int64(len(text)))
}

func options(t *testing.T, path string, size int64) Options {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Path: path, Size: size, Is: func(now fs.FileInfo) bool { return os.SameFile(now, info) },
		Before: func(Done, io.ReaderAt) error { return nil }}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func wantKept(t *testing.T, err error, reason string) {
	t.Helper()
	var k *Kept
	if !errors.As(err, &k) || !strings.Contains(k.Reason, reason) {
		t.Errorf("error %v, want one with %q", err, reason)
	}
}

// needsCollapse skips the test where the file system can't do something.
func needsCollapse(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "can't cut off") {
		t.Skip("SKIPPED: the file system of the temporary directory can't collapse ranges (ext4 and XFS can)")
	}
}

func TestFrontEmpties(t *testing.T) {
	t.Parallel()
	o := file(t, "one\ntwo\n")
	var told Done
	o.Before = func(d Done, _ io.ReaderAt) error { told = d; return nil }
	done, err := Front(o)
	if err != nil || done != (Done{8, Emptied}) || told != done || read(t, o.Path) != "" {
		t.Errorf("%+v, %v, left %q", done, err, read(t, o.Path))
	}
}

// TestFrontOfOpenFile cuts the beginning off a file that another has open for appending.
func TestFrontOfOpenFile(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("0123456789abcde\n", 1000)
	o := file(t, text)
	w, err := os.OpenFile(o.Path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	done, err := Front(o)
	needsCollapse(t, err)
	io.WriteString(w, "more\n")
	left := read(t, o.Path)
	if err != nil || done.How != Collapsed || done.Bytes < 8000 || left != text[done.Bytes:]+"more\n" {
		t.Errorf("%+v, %v, %d bytes left", done, err, len(left))
	}
}

// TestFrontLosesNothing takes away what it has read, over and over, while another writes as fast as it can.
func TestFrontLosesNothing(t *testing.T) {
	t.Parallel()
	const count = 100_000
	path := filepath.Join(t.TempDir(), "x.log")
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		defer w.Close()
		for i := range count {
			if _, err := fmt.Fprintf(w, "line %d\n", i); err != nil {
				written <- err
				return
			}
		}
		written <- nil
	}()
	next, shipped, cuts, ended := 0, int64(0), 0, false
	for next < count {
		select {
		case err := <-written:
			if err != nil {
				t.Fatal(err)
			}
			ended = true
		default:
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data = data[shipped:]
		data = data[:bytes.LastIndexByte(data, '\n')+1]
		for line := range strings.Lines(string(data)) {
			if line != fmt.Sprintf("line %d\n", next) {
				t.Fatalf("read %q when line %d is due", line, next)
			}
			next++
		}
		if len(data) == 0 && ended && next < count {
			t.Fatalf("%d lines of %d", next, count)
		}
		shipped += int64(len(data))
		done, err := Front(options(t, path, shipped))
		needsCollapse(t, err)
		var k *Kept
		if err != nil && !errors.As(err, &k) {
			t.Fatal(err)
		}
		if done.Bytes > 0 {
			cuts++
		}
		shipped -= done.Bytes
	}
	t.Logf("%d lines, cut off in %d pieces", count, cuts)
	if cuts == 0 {
		t.Error("nothing was cut off")
	}
}

// writer runs a shell that has the file open as its fd 3, in one way or another, until the test ends.
func writer(t *testing.T, how, path string) {
	t.Helper()
	c := exec.Command("sh", "-c", "exec 3"+how+`"$0"; echo ready; cat`, path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	if _, err := io.ReadFull(out, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
}

func TestFrontKeepsHoles(t *testing.T) {
	t.Parallel()
	o := file(t, strings.Repeat("x\n", 10_000))
	writer(t, "<>", o.Path)
	_, err := Front(o)
	wantKept(t, err, "without O_APPEND")
	if read(t, o.Path) != strings.Repeat("x\n", 10_000) {
		t.Error("it was changed")
	}
}

// Whoever has it open and can't be seen may write to it at any place.
func TestFrontOfUnseen(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x\n", 10_000)
	o := file(t, text)
	f, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, len(text), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mapped)
	_, err = Front(o)
	wantKept(t, err, "another program has it open")
	if read(t, o.Path) != text {
		t.Error("it was changed")
	}
}

// TestMoveInRotation: what rotation gives the name meanwhile is not removed with it.
func TestMoveInRotation(t *testing.T) {
	t.Parallel()
	x := filepath.Join(t.TempDir(), "x.log")
	for range 1000 {
		if err := os.WriteFile(x, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		rotated := make(chan error)
		go func() {
			err := os.Rename(x, x+".1")
			rotated <- errors.Join(os.WriteFile(x, []byte("new\n"), 0o600), ignoreMissing(err))
		}()
		_ = moveTo(x, x+".going") // whoever is first
		if err := <-rotated; err != nil {
			t.Fatal(err)
		}
		a, _ := os.ReadFile(x)
		b, _ := os.ReadFile(x + ".going")
		if string(a)+string(b) != "new\n" {
			t.Fatalf("x.log has %q, the one that goes %q", a, b)
		}
		for _, name := range []string{x, x + ".1", x + ".going"} {
			os.Remove(name)
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func TestFrontOfAppender(t *testing.T) {
	t.Parallel()
	o := file(t, strings.Repeat("x\n", 10_000))
	writer(t, ">>", o.Path)
	done, err := Front(o)
	needsCollapse(t, err)
	if err != nil || done.How != Collapsed {
		t.Errorf("%+v, %v", done, err)
	}
	o = file(t, "short\n")
	writer(t, ">>", o.Path)
	_, err = Front(o)
	wantKept(t, err, "less than a block")
}

func TestChanged(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(Options) (Done, error){"front": Front, "remove": Remove} {
		o := file(t, "one\n")
		o.Is = func(fs.FileInfo) bool { return false }
		_, err := do(o)
		wantKept(t, err, "not the file")
		o = file(t, "one\n")
		o.Size = 5
		_, err = do(o)
		wantKept(t, err, "not the file")
		o = file(t, "one\n")
		o.Before = func(Done, io.ReaderAt) error { return io.ErrShortWrite }
		if _, err = do(o); !errors.Is(err, io.ErrShortWrite) || read(t, o.Path) != "one\n" {
			t.Errorf("%s: %v", name, err)
		}
		o.Path += ".none"
		if _, err = do(o); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	o := file(t, "one\n")
	done, err := Remove(o)
	if err != nil || done != (Done{4, Removed}) {
		t.Errorf("%+v, %v", done, err)
	}
	if left, _ := os.ReadDir(filepath.Dir(o.Path)); len(left) > 0 {
		t.Errorf("left: %v", left)
	}

	o = file(t, "one\nhalf")
	o.Size = 4
	_, err = Remove(o)
	wantKept(t, err, "not shipped")

	o = file(t, "one\n")
	link := o.Path + ".link"
	if err := os.Symlink(o.Path, link); err != nil {
		t.Fatal(err)
	}
	o.Path = link
	_, err = Remove(o)
	wantKept(t, err, "link")
}

// TestRemoveInUse: a file that somebody has open, or opens while it is being removed, stays, under its name.
func TestRemoveInUse(t *testing.T) {
	t.Parallel()
	o := file(t, "one\n")
	writer(t, ">>", o.Path)
	_, err := Remove(o)
	wantKept(t, err, "another program has it open")

	o = file(t, "one\n")
	var w *os.File
	o.Before = func(Done, io.ReaderAt) (err error) {
		w, err = os.OpenFile(o.Path, os.O_WRONLY|os.O_APPEND, 0)
		return err
	}
	_, err = Remove(o)
	wantKept(t, err, "another program has it open")
	io.WriteString(w, "two\n")
	w.Close()
	if read(t, o.Path) != "one\ntwo\n" {
		t.Errorf("left %q", read(t, o.Path))
	}
}
