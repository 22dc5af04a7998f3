package tail

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFollowRenameCreate(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		l.write(x, l.more(3))
		s.follow()
		s.wait(3)
		f, err := os.OpenFile(x, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		defer f.Close()
		must(t, os.Rename(x, x+".1"))
		f.WriteString(l.more(2)) // the program has not noticed yet
		l.write(x, l.more(4))
		s.wait(9)
		f.WriteString(l.more(1))
		l.write(x, l.more(1))
		s.wait(11)
		s.stop()
		s.want(l.all.String())
		s.once()
		s.want(l.all.String())
	})
}

func TestFollowCopyTruncate(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		for _, pattern := range []string{"x.log*", "x.log"} {
			s := newShipper(t, pattern)
			l := &log{t: t, dated: l.dated}
			x := filepath.Join(s.dir, "x.log")
			l.write(x, l.more(300))
			s.follow()
			s.wait(300)
			release := s.hold() // what is written now is seen in the copy alone
			l.write(x, l.more(5))
			text, err := os.ReadFile(x)
			must(t, err)
			must(t, os.WriteFile(x+".1", text, 0o600))
			must(t, os.Truncate(x, 0))
			l.write(x, l.more(2))
			release()
			s.wait(307)
			l.write(x, l.more(2))
			s.wait(309)
			s.stop()
			s.want(l.all.String())
			s.once()
			s.want(l.all.String())
		}
	})
}

func TestFollowDoubleRotation(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		for _, pattern := range []string{"x.log", "x.log*"} {
			s := newShipper(t, pattern)
			l := &log{t: t, dated: l.dated}
			x := filepath.Join(s.dir, "x.log")
			if pattern == "x.log" {
				l.write(x+".1", "history that nobody asked for\n")
				old := time.Now().Add(-time.Hour)
				must(t, os.Chtimes(x+".1", old, old))
			}
			l.write(x, l.more(3))
			s.follow()
			s.wait(3)
			release := s.hold()
			l.write(x, l.more(1)) // it waits in Take from here on
			for range 2 {
				os.Rename(x+".1", x+".2")
				must(t, os.Rename(x, x+".1"))
				l.write(x, l.more(2))
			}
			release()
			s.wait(8)
			s.stop()
			s.want(l.all.String())
		}
	})
}

func TestFollowRestartDuringRotation(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		for round := range 4 {
			l.write(x, l.more(3))
			s.follow()
			s.wait(l.n)
			s.stop()
			l.write(x, l.more(2)) // nobody looks
			os.Rename(x+".1", x+".2")
			must(t, os.Rename(x, x+".1"))
			if round%2 == 0 {
				l.write(x, l.more(1))
			}
			s.follow()
			s.wait(l.n)
			s.stop()
		}
		s.want(l.all.String())
	})
}

func pack(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(text)
	must(t, w.Close())
	must(t, os.WriteFile(path+".gz", b.Bytes(), 0o600))
	must(t, os.Chtimes(path+".gz", info.ModTime(), info.ModTime()))
	must(t, os.Remove(path))
}

func TestFollowCompressed(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		for _, pattern := range []string{"x.log", "x.log*"} {
			s := newShipper(t, pattern)
			l := &log{t: t, dated: l.dated}
			x := filepath.Join(s.dir, "x.log")
			l.write(x, l.more(200))
			s.follow()
			s.wait(200)
			release := s.hold()
			l.write(x, l.more(1))
			must(t, os.Rename(x, x+".1"))
			l.write(x+".1", l.more(4))
			pack(t, x+".1")
			l.write(x, l.more(2))
			release()
			s.wait(207)
			s.stop()
			l.write(x, l.more(3)) // and once more while nobody looks
			must(t, os.Rename(x+".1.gz", x+".2.gz"))
			must(t, os.Rename(x, x+".1"))
			pack(t, x+".1")
			l.write(x, l.more(1))
			s.follow()
			s.wait(211)
			s.stop()
			s.want(l.all.String())
			s.once()
			s.want(l.all.String())
		}
	})
}

// TestFollowInodeReuse: a new log may get the number of one that is gone.
func TestFollowInodeReuse(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		for range 5 {
			l.write(x, l.more(3))
			s.once()
			must(t, os.Remove(x))
		}
		s.want(l.all.String())
	})
}

// TestFollowInodeReuseSame: a log that begins and ends like the one whose number it has is another.
func TestFollowInodeReuseSame(t *testing.T) {
	t.Parallel()
	s := newShipper(t, "x.log")
	x := filepath.Join(s.dir, "x.log")
	want := ""
	for range 5 {
		must(t, os.WriteFile(x, []byte("started\nready\n"), 0o600))
		want += "started\nready\n"
		s.once()
		must(t, os.Remove(x))
	}
	s.want(want)
}

func TestFollowTruncateRegrow(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		for _, live := range []bool{true, false} {
			s := newShipper(t, "x.log")
			l := &log{t: t, dated: l.dated}
			x := filepath.Join(s.dir, "x.log")
			l.write(x, l.more(3))
			s.follow()
			s.wait(3)
			release := func() {}
			if live {
				release = s.hold()
				l.write(x, l.more(1)) // it waits in Take
				s.until("a chunk", func() bool { return true })
			} else {
				s.stop()
			}
			text := l.more(50) // more than there was
			must(t, os.Truncate(x, 0))
			l.write(x, text)
			if live {
				release()
			} else {
				s.follow()
			}
			last := func() bool { return slices.Contains(s.lines, strings.TrimSuffix(l.last(), "\n")) }
			s.until("last line", last)
			l.write(x, l.more(1))
			s.until("last line", last)
			s.stop()
			// What truncation took before anybody has read it is lost to everybody.
			got := strings.Join(s.lines, "\n") + "\n"
			if !strings.HasSuffix(got, text+l.last()) {
				t.Errorf("got %q", got)
			}
		}
	})
}

func (l *log) last() string {
	all := strings.TrimSuffix(l.all.String(), "\n")
	return all[strings.LastIndexByte(all, '\n')+1:] + "\n"
}

// TestFollowCut: a loss of power may cut a log to a beginning of what was read of it. Those lines are not read again.
func TestFollowCut(t *testing.T) {
	t.Parallel()
	l := &log{t: t, dated: true}
	s := newShipper(t, "x.log")
	x := filepath.Join(s.dir, "x.log")
	l.write(x, l.more(50))
	s.once()
	must(t, os.Truncate(x, 700))
	s.once()
	l.write(x, "\n"+l.more(2))
	s.once()
	s.want(l.all.String() + "\n") // the line that was cut ends now
}

func TestFollowDeletedOpen(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		l.write(x, l.more(3))
		f, err := os.OpenFile(x, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		defer f.Close()
		s.follow()
		s.wait(3)
		must(t, os.Remove(x))
		f.WriteString(l.more(2))
		s.wait(5)
		l.write(x, l.more(2))
		s.wait(7)
		f.WriteString(l.more(1))
		s.wait(8)
		s.stop()
		s.want(l.all.String())
	})
}

func TestFollowRenameBack(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		l.write(x, l.more(3))
		s.follow()
		s.wait(3)
		must(t, os.Rename(x, x+".1"))
		l.write(x+".1", l.more(1))
		must(t, os.Rename(x+".1", x))
		l.write(x, l.more(1))
		s.wait(5)
		s.stop()
		must(t, os.Rename(x, x+".1"))
		s.once()
		must(t, os.Rename(x+".1", x))
		l.write(x, l.more(1))
		s.once()
		s.want(l.all.String())
	})
}

func TestFollowDirectory(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		l.write(x, l.more(3))
		s.follow()
		s.wait(3)
		must(t, os.Remove(x))
		must(t, os.Mkdir(x, 0o700))
		l.write(filepath.Join(x, "other"), "nobody asked\n")
		s.until("problem", func() bool { return len(s.problems) == 1 })
		must(t, os.RemoveAll(x))
		l.write(x, l.more(2))
		s.wait(5)
		s.stop()
		s.want(l.all.String())
		if !strings.HasSuffix(s.problems[0], "x.log is a directory now") {
			t.Errorf("problems %q", s.problems)
		}
	})
}

func TestFollowPermissionLost(t *testing.T) {
	if os.Geteuid() == 0 && os.Getenv("LOGCTL_TEST_NOT_ROOT") == "" {
		t.Log("root may read everything: the test runs again as nobody")
		runAsNobody(t)
		return
	}
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log", "y.log")
		x := filepath.Join(s.dir, "x.log")
		l.write(x, l.more(3))
		s.follow()
		s.wait(3)
		f, err := os.OpenFile(x, os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		defer f.Close()
		must(t, os.Chmod(x, 0))
		f.WriteString(l.more(2)) // it is open
		s.wait(5)
		must(t, os.Rename(x, x+".1"))
		must(t, os.WriteFile(x, []byte(l.more(2)), 0))
		s.until("problem", func() bool { return len(s.problems) == 1 })
		l.write(filepath.Join(s.dir, "y.log"), l.more(1)) // all else goes on
		s.wait(6)
		must(t, os.Chmod(x, 0o600))
		s.wait(8)
		s.stop()
		s.want(l.all.String())
		if !strings.HasSuffix(s.problems[0], "x.log: permission denied") {
			t.Errorf("problems %q", s.problems)
		}
	})
}

// runAsNobody runs the test at hand in a process of an account without rights.
func runAsNobody(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("setpriv"); err != nil {
		t.Skip("there is no setpriv to run it as nobody")
	}
	program, err := os.Executable()
	must(t, err)
	text, err := os.ReadFile(program)
	must(t, err)
	dir, err := os.MkdirTemp("", "nobody-") // not t.TempDir, which nobody else may look into
	must(t, err)
	defer os.RemoveAll(dir)
	must(t, os.Chmod(dir, 0o777))
	must(t, os.WriteFile(filepath.Join(dir, "test"), text, 0o755))
	c := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", filepath.Join(dir, "test"), "-test.run", "^"+t.Name()+"$", "-test.v")
	c.Env = append(os.Environ(), "LOGCTL_TEST_NOT_ROOT=1", "TMPDIR="+dir)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
