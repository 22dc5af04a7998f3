package tail

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"logctl/ship/source"
)

// TestFollowNUL: what a file system leaves after a crash, or a program that goes on writing behind a truncation, is a line.
func TestFollowNUL(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log")
	x := filepath.Join(s.dir, "x.log")
	text := strings.Repeat("\x00", 5000) + "a\n\x00\n" + strings.Repeat("\x00", 2*bufferSize) + "\n"
	l.write(x, text)
	s.follow()
	s.wait(3)
	l.write(x, "\x00\x00")
	l.write(x, "b\n")
	s.wait(4)
	s.stop()
	s.want(text, "\x00\x00b\n")
}

func TestFollowBinary(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log")
	junk := make([]byte, 100_000)
	for i := range junk {
		junk[i] = byte(i * i >> 3)
	}
	junk = append(junk, '\n')
	text := strings.ReplaceAll(string(junk), "\r\n", "\n")
	x := filepath.Join(s.dir, "x.log")
	l.write(x, text)
	s.follow()
	n := strings.Count(text, "\n")
	s.wait(n)
	l.write(x, text)
	s.wait(2 * n)
	s.stop()
	s.want(text, text)
}

// TestFollowLongLine: a line of 100 MiB is told as too long, with its beginning, in little memory, and the next is the next.
func TestFollowLongLine(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log")
	s.o.MaxLine = 1 << 20
	x := filepath.Join(s.dir, "x.log")
	mib := strings.Repeat("x", 1<<20)
	l.write(x, "before\n"+mib)
	s.follow()
	s.wait(1)
	for range 99 {
		l.write(x, mib)
	}
	l.write(x, "\nafter\n"+mib+"\n"+mib+"y\n")
	s.wait(5)
	s.stop()
	var lengths []int
	for _, line := range s.lines {
		lengths = append(lengths, len(line))
	}
	if s.long != 2 || s.lines[2] != "after" || lengths[1] != 1<<20 || lengths[3] != 1<<20 || lengths[4] != 1<<20 {
		t.Errorf("%d too long of %v", s.long, lengths)
	}
	s.once()
	if len(s.lines) != 5 {
		t.Errorf("%d lines after another look", len(s.lines))
	}
}

// TestFollowNoNewline: a line without its end waits, over a restart too.
func TestFollowNoNewline(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log")
	x := filepath.Join(s.dir, "x.log")
	l.write(x, "one\nha")
	s.follow()
	s.wait(1)
	l.write(x, "lf")
	s.stop()
	if tl := s.once(); tl.Unfinished() != 1 {
		t.Errorf("%d unfinished lines", tl.Unfinished())
	}
	s.want("one\n")
	l.write(x, " a line\nlast")
	s.once()
	s.want("one\nhalf a line\n")
	old := time.Now().Add(-25 * time.Hour)
	must(t, os.Chtimes(x, old, old))
	s.once()
	s.want("one\nhalf a line\nlast\n")
	s.once()
	s.want("one\nhalf a line\nlast\n")
}

// TestFollowClockJump: the times of files jump back and forth, and nothing is lost or doubled.
func TestFollowClockJump(t *testing.T) {
	kinds(t, func(t *testing.T, l *log) {
		s := newShipper(t, "x.log")
		x := filepath.Join(s.dir, "x.log")
		for i := range 4 {
			at := time.Now().Add(time.Duration(i%2*2-1) * 1000 * time.Hour)
			l.write(x, l.more(3))
			must(t, os.Chtimes(x, at, at))
			s.once()
			l.write(x, l.more(2))
			os.Rename(x+".1", x+".2")
			must(t, os.Rename(x, x+".1"))
			at = time.Now().Add(time.Duration(i%2*-2+1) * 1000 * time.Hour)
			must(t, os.Chtimes(x+".1", at, at))
			l.write(x, l.more(1))
			must(t, os.Chtimes(x, at, at))
			s.once()
		}
		s.want(l.all.String())
	})
}

// TestFollowNew: files that come later are found by pattern and by directory.
func TestFollowNew(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "a*.log", "dir", "later/*.log")
	must(t, os.Mkdir(filepath.Join(s.dir, "dir"), 0o700))
	s.scan = 20 * time.Millisecond // a directory that is not there yet is found by the look at everything
	s.follow()
	s.until("notes", func() bool { return len(s.notes) == 3 })
	l.write(filepath.Join(s.dir, "a1.log"), l.more(2))
	l.write(filepath.Join(s.dir, "dir", "b"), l.more(2))
	l.write(filepath.Join(s.dir, "dir", ".hidden"), "nobody asked\n")
	s.wait(4)
	must(t, os.Mkdir(filepath.Join(s.dir, "later"), 0o700))
	l.write(filepath.Join(s.dir, "later", "c.log"), l.more(2))
	s.wait(6)
	s.stop()
	s.want(l.all.String())
}

// TestOldestFirst: what is there comes in order of time.
func TestOldestFirst(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*", "y.log")
	at := time.Now().Add(-time.Hour)
	for i, name := range []string{"x.log.10.gz", "x.log.9", "y.log", "x.log.1", "x.log"} {
		path := filepath.Join(s.dir, name)
		plain := strings.TrimSuffix(path, ".gz")
		l.write(plain, l.more(2))
		if plain != path {
			pack(t, plain)
		}
		if i != 4 { // the last two have one time
			at = at.Add(time.Minute)
		}
		must(t, os.Chtimes(path, at, at))
	}
	s.once()
	if got := strings.Join(s.lines, "\n") + "\n"; got != l.all.String() {
		t.Errorf("got %q", got)
	}
	if s.notes != nil || s.problems != nil {
		t.Errorf("notes %q, problems %q", s.notes, s.problems)
	}
}

// TestOnceUnchanged: files that are as they were are not opened.
func TestOnceUnchanged(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*")
	l.write(filepath.Join(s.dir, "x.log"), l.more(2))
	l.write(filepath.Join(s.dir, "x.log.1"), l.more(2))
	pack(t, filepath.Join(s.dir, "x.log.1"))
	s.once()
	before := len(s.kept)
	for range 2 {
		tl := s.once()
		for _, f := range tl.files {
			if f.id.Born == 0 && f.text == nil || tl.Size() != 0 {
				t.Errorf("%s was opened", f.path)
			}
		}
	}
	s.want(l.all.String())
	if len(s.kept) != before {
		t.Errorf("%d marks, before %d", len(s.kept), before)
	}
}

// TestQuietMemory: a thousand files cost little.
func TestQuietMemory(t *testing.T) {
	l := &log{t: t}
	s := newShipper(t, "*.log")
	const files = 1000
	for i := range files {
		l.write(filepath.Join(s.dir, strings.Repeat("f", 1+i%3)+string(rune('a'+i%26))+time.Duration(i).String()+".log"), strings.Repeat("x", 100)+"\n")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s.follow()
	s.wait(files)
	runtime.GC()
	runtime.ReadMemStats(&after)
	s.stop()
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 8<<20 {
		t.Errorf("%d bytes for %d files", used, files)
	}
}

// TestOrigin: a log has one origin for as long as it goes on, and another when it has begun anew.
func TestOrigin(t *testing.T) {
	t.Parallel()
	l := &log{t: t, dated: true}
	s := newShipper(t, "x.log")
	x := filepath.Join(s.dir, "x.log")
	tl := s.tailer(false)
	var from []*source.Origin
	tl.sink, tl.buf = sinkFunc(func(c source.Chunk) {
		if len(c.Lines) > 0 {
			from = append(from, c.From)
		}
	}), make([]byte, bufferSize)
	for _, anew := range []bool{false, false, true} {
		if anew {
			must(t, os.Truncate(x, 0))
		}
		l.write(x, l.more(3))
		must(t, tl.readAll(t.Context(), tl.scan()))
	}
	if len(from) != 3 || from[0] != from[1] || from[1] == from[2] {
		t.Errorf("%p", from)
	}
}

type sinkFunc func(source.Chunk)

// Take is source.Sink's.
func (f sinkFunc) Take(_ context.Context, c source.Chunk) error {
	f(c)
	return nil
}

// TestNames is what rotation makes of names.
func TestNames(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/a/x.log": "/a/x.log", "/a/x.log.1": "/a/x.log", "/a/x.log.12.gz": "/a/x.log", "/a/x.log-20260101": "/a/x.log",
		"/a/x.log-20260101.zst": "/a/x.log", "/a/x-20260101.log": "/a/x.log", "/a/syslog.2.xz": "/a/syslog", "/a/x.log-2026-01-01": "/a/x.log",
		"/a/worker-1.log": "/a/worker-1.log", "/a/x.bz2": "/a/x", "/a/ipv4.log": "/a/ipv4.log",
	} {
		if got, _ := rotation(path); got != want {
			t.Errorf("%s is of %s, want %s", path, got, want)
		}
	}
	_, a := rotation("x.log-20260102")
	_, b := rotation("x.log-20260101")
	if _, c := rotation("x.log"); a >= b || c >= a {
		t.Errorf("ages %d, %d, %d", c, a, b)
	}
}

// FuzzCompare: any two texts of which one begins the other are told from those that do not.
func FuzzCompare(f *testing.F) {
	f.Add([]byte("2026-01-01 00:00:00 a\nb\n"), 10, 5)
	f.Add([]byte("a"), 0, 0)
	f.Add([]byte("a\n"), 2, 0)
	for _, at := range []int{maxCheck - 1, maxHead, maxHead + 1, maxHead + maxCheck, 2 * maxHead} {
		for _, cut := range []int{0, 1, at - 1, at, at + 1, maxHead - 1, maxHead, 2*maxHead + 1} {
			f.Add(bytes.Repeat([]byte("2026-01-01T00:00:00 1700000000 "), 100)[:2*maxHead+1], at, cut)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, at, cut int) {
		if at < 0 || at > len(b) || cut < 0 || cut > len(b) {
			return
		}
		x := &text{}
		x.Head = b[:min(at, maxHead)]
		x.At, x.Check = int64(at), checkOf(b[:at])
		want := same
		if cut < at {
			want = part
		}
		if got := x.compare(bytes.NewReader(b[:cut]), int64(cut)); got != want {
			t.Errorf("cut at %d, read to %d: %d, want %d", cut, at, got, want)
		}
		_ = x.dated()
		bad := bytes.Clone(b)
		for i := range x.Head {
			bad[i] ^= 1
		}
		if got := x.compare(bytes.NewReader(bad), int64(len(bad))); at > 0 && got != other {
			t.Errorf("other bytes are %d", got)
		}
	})
}
