package tail

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two logs that begin the same are two logs: /var/log/syslog and /var/log/messages, say, of which one leaves something out.
func TestTwins(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"once", "once each", "follow"} {
		l := &log{t: t, dated: true}
		s := newShipper(t, "*.log")
		a, b := filepath.Join(s.dir, "all.log"), filepath.Join(s.dir, "few.log")
		start, more, last := l.more(100), l.more(100), l.more(3)
		few := strings.ReplaceAll(more[:len(more)/10*3], "line", "few") + " the end\n"
		l.write(a, start)
		if how == "once each" {
			s.once()
		}
		if how == "follow" {
			l.write(b, start)
			s.follow()
			s.wait(100)
		}
		l.write(a, more)
		if how != "follow" {
			l.write(b, start)
			s.once()
		}
		l.write(b, few)
		if how == "follow" {
			s.until("last line", func() bool { return strings.HasSuffix(strings.Join(s.lines, "\n"), " the end") })
			s.stop()
		}
		s.once()
		l.write(a, last)
		s.once()
		s.once()
		s.want(start, start, more, few, last)
	}
}

// Compressed, too.
func TestTwinsCompressed(t *testing.T) {
	t.Parallel()
	l := &log{t: t, dated: true}
	s := newShipper(t, "*.gz")
	start := l.more(100)
	all, few := start+l.more(100), start+"the end\n"
	for name, text := range map[string]string{"all.log.1.gz": all, "few.log.1.gz": few} {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(text))
		must(t, err)
		must(t, w.Close())
		must(t, os.WriteFile(filepath.Join(s.dir, name), b.Bytes(), 0o600))
	}
	s.once()
	s.once()
	s.want(all, few)
}

// A copy that stays beside its log is no reason to read the log again.
func TestCopyBeside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"x.log.1", "x.log.save"} {
		l := &log{t: t, dated: true}
		s := newShipper(t, "x.log*")
		x := filepath.Join(s.dir, "x.log")
		_, look := s.looker(false)
		l.write(x, l.more(100))
		look()
		must(t, os.WriteFile(filepath.Join(s.dir, name), []byte(l.all.String()), 0o600))
		look()
		for range 3 {
			l.write(x, l.more(1))
			look()
			look()
		}
		s.want(l.all.String())
	}
}

// A look may find a log before rotation has moved it, and after that what was made of it.
func TestRotatedWhileLooking(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*")
	x := filepath.Join(s.dir, "x.log")
	tl, look := s.looker(false)
	l.write(x, l.more(100))
	look()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(l.all.String()))
	must(t, errors.Join(err, w.Close()))
	must(t, os.WriteFile(x+".1.gz", b.Bytes(), 0o600))
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(x+".1.gz", old, old))
	files := tl.scan()
	must(t, os.Remove(x))
	must(t, tl.readAll(t.Context(), files))
	l.write(x, l.more(3))
	for range 2 {
		look()
	}
	s.want(l.all.String())
}

// A run over other files says nothing of whether a file is gone.
func TestNotNamed(t *testing.T) {
	t.Parallel()
	l := &log{t: t, dated: true}
	s := newShipper(t, "month.log")
	l.write(filepath.Join(s.dir, "month.log"), l.more(3))
	l.write(filepath.Join(s.dir, "day.log"), l.more(3))
	month := s.o.Paths
	s.once()
	for range 2 {
		s.o.Paths = []string{filepath.Join(s.dir, "day.log")}
		s.once()
		s.later(30 * 24 * time.Hour)
	}
	s.o.Paths = month
	s.once()
	s.want(l.all.String())
}

// later lets time pass for files that are gone.
func (s *shipper) later(d time.Duration) {
	for key, value := range s.kept {
		var id identity
		if strings.HasPrefix(key, idKey) && json.Unmarshal(value, &id) == nil && id.Gone != 0 {
			id.Gone -= int64(d.Seconds())
			s.kept[key] = mustJSON(id)
		}
	}
}
