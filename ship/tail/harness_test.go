package tail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"logctl/ship/source"
)

// shipper keeps what a Tailer gives out, and the marks of it, from one Tailer to the next.
type shipper struct {
	t    *testing.T
	dir  string
	o    Options
	scan time.Duration // 0: the Tailer's own

	mu       sync.Mutex
	kept     map[string][]byte
	lines    []string
	long     int // lines that are too long
	problems []string
	notes    []string
	held     chan struct{} // while not nil, Take waits
	news     chan struct{}

	cancel context.CancelFunc
	done   chan error
}

func newShipper(t *testing.T, patterns ...string) *shipper {
	s := &shipper{t: t, dir: t.TempDir(), kept: map[string][]byte{}, news: make(chan struct{}, 1)}
	for _, p := range patterns {
		s.o.Paths = append(s.o.Paths, filepath.Join(s.dir, p))
	}
	s.o.Problem = func(err error) { s.tell(&s.problems, err.Error()) }
	s.o.Note = func(text string) { s.tell(&s.notes, text) }
	t.Cleanup(func() {
		if s.cancel != nil {
			s.stop()
		}
	})
	return s
}

func (s *shipper) tell(list *[]string, text string) {
	s.mu.Lock()
	*list = append(*list, text)
	s.mu.Unlock()
	s.wake()
}

func (s *shipper) wake() {
	select {
	case s.news <- struct{}{}:
	default:
	}
}

// Take is source.Sink's.
func (s *shipper) Take(ctx context.Context, c source.Chunk) error {
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range c.Lines {
		s.lines = append(s.lines, string(l.Text))
		if l.TooLong {
			s.long++
		}
	}
	for _, m := range c.Marks {
		if m.Value == nil {
			delete(s.kept, m.Key)
		} else {
			s.kept[m.Key] = slices.Clone(m.Value)
		}
	}
	s.wake()
	return nil
}

// Position is source.Positions'.
func (s *shipper) Position(key string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[key]
}

// Each is source.Positions'.
func (s *shipper) Each(prefix string, fn func(string, []byte)) {
	s.mu.Lock()
	kept := map[string][]byte{}
	var keys []string
	for k, v := range s.kept {
		if strings.HasPrefix(k, prefix) {
			keys, kept[k] = append(keys, k), v
		}
	}
	s.mu.Unlock()
	slices.Sort(keys)
	for _, k := range keys {
		fn(k, kept[k])
	}
}

func (s *shipper) tailer(follow bool) *Tailer {
	s.t.Helper()
	o := s.o
	o.Follow = follow
	tl, err := New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.scan > 0 {
		tl.rescan = s.scan
	}
	return tl
}

// looker is a Tailer that looks at names, and reads what there is, when it is told to.
func (s *shipper) looker(follow bool) (tl *Tailer, look func()) {
	s.t.Helper()
	tl = s.tailer(follow)
	tl.sink, tl.buf = s, make([]byte, bufferSize)
	return tl, func() {
		s.t.Helper()
		must(s.t, tl.readAll(s.t.Context(), tl.scan()))
	}
}

// once reads what is there.
func (s *shipper) once() *Tailer {
	s.t.Helper()
	tl := s.tailer(false)
	if err := tl.Run(s.t.Context(), s, s); err != nil {
		s.t.Fatal(err)
	}
	return tl
}

// follow starts to follow.
func (s *shipper) follow() {
	s.t.Helper()
	tl := s.tailer(true)
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.done = cancel, make(chan error, 1)
	go func() { s.done <- tl.Run(ctx, s, s) }()
}

func (s *shipper) stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.done; !errors.Is(err, context.Canceled) {
		s.t.Errorf("it ended with %v", err)
	}
	s.cancel = nil
}

// hold lets Take wait until the function that it gives is called.
func (s *shipper) hold() (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held = held
	return func() {
		s.mu.Lock()
		s.held = nil
		s.mu.Unlock()
		close(held)
	}
}

// until waits for something to become true.
func (s *shipper) until(what string, is func() bool) {
	s.t.Helper()
	late := time.NewTimer(2 * time.Minute)
	defer late.Stop()
	for {
		s.mu.Lock()
		ok := is()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.news:
		case err := <-s.done:
			s.done <- err
			s.t.Fatalf("waiting for %s: it ended with %v", what, err)
		case <-late.C:
			s.t.Fatalf("no %s: %d lines, problems %q, notes %q", what, len(s.lines), s.problems, s.notes)
		}
	}
}

// wait waits for so many lines.
func (s *shipper) wait(n int) {
	s.t.Helper()
	s.until(fmt.Sprint(n, " lines"), func() bool { return len(s.lines) >= n })
}

// want compares the lines with those written: each once.
func (s *shipper) want(written ...string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[string]int{}
	for _, l := range s.lines {
		counts[l]++
	}
	for _, text := range written {
		for l := range strings.Lines(text) {
			counts[strings.TrimSuffix(l, "\n")]--
		}
	}
	for l, n := range counts {
		if n != 0 {
			s.t.Errorf("%d times too often: %.80q", n, l)
		}
	}
}

// log writes numbered lines.
type log struct {
	t     *testing.T
	dated bool
	n     int
	all   strings.Builder
}

// kinds runs a test with lines that say when they were written, and with lines that don't.
func kinds(t *testing.T, test func(t *testing.T, l *log)) {
	t.Parallel()
	for _, dated := range []bool{true, false} {
		t.Run(map[bool]string{true: "dated", false: "undated"}[dated], func(t *testing.T) {
			t.Parallel()
			test(t, &log{t: t, dated: dated})
		})
	}
}

// more is the next lines.
func (l *log) more(n int) string {
	var b strings.Builder
	for range n {
		l.n++
		if l.dated {
			fmt.Fprintf(&b, "2026-03-04 05:%02d:%02d ", l.n/60%60, l.n%60)
		}
		fmt.Fprintf(&b, "line %d\n", l.n)
	}
	l.all.WriteString(b.String())
	return b.String()
}

// write appends to a file, which is made where it is missing.
func (l *log) write(path, text string) {
	l.t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		l.t.Fatal(err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
