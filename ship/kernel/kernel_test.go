package kernel

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/format/syslog"
	"logctl/ship/source"
)

var start = time.Unix(1764000000, 0)

func TestRecord(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ record, want string }{
		{"6,339,5140900,-;NET: Registered\n", "<6>1 2025-11-24T16:00:05.140900Z web1 kernel - - - NET: Registered"},
		{"4,1,0,c,caller=T1;a;b=c\n", "<4>1 2025-11-24T16:00:00.000000Z web1 kernel - - - a;b=c"},
		{"30,7,1000000,-;x\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:01.0\n", `<30>1 2025-11-24T16:00:01.000000Z web1 kernel - - [kmsg SUBSYSTEM="pci" DEVICE="+pci:0000:00:01.0"] x`},
		{"6,1,0,-;x\n A=a]b\"c\\x5cd\n =y\n two words=z\n no pair\nodd\n", `<6>1 2025-11-24T16:00:00.000000Z web1 kernel - - [kmsg A="a\]b\"c\\d"] x`},
		{`6,1,0,-;caf\xc3\xa9 \xf0\x9f\x90\xa7 \x5c tab\x09 line\x0a esc\x1b[0m \xff \xc3( \x \xzz`, "<6>1 2025-11-24T16:00:00.000000Z web1 kernel - - - café 🐧 \\ tab\t line\\x0a esc\\x1b[0m \\xff \\xc3( \\x \\xzz"},
		{"99999,1,0,-;x", "<7>1 2025-11-24T16:00:00.000000Z web1 kernel - - - x"},
		{"6,1,0,-;", "<6>1 2025-11-24T16:00:00.000000Z web1 kernel - - - "},
		{"6,1;x", ""},
		{"6,x,0,-;x", ""},
		{"6,1,0,-", ""},
		{"", ""},
	} {
		var r record
		got := ""
		if r.parse([]byte(tt.record)) == nil {
			got = string(r.appendLine(nil, start, "web1"))
		}
		if got != tt.want {
			t.Errorf("%q\n got %q\nwant %q", tt.record, got, tt.want)
		}
	}
}

// ring is a kernel's: its records come one at a time, and some may be overwritten.
type ring struct {
	records []string
	at      int
	lost    int // records to overwrite when that many were read
	wait    func() bool
}

func (r *ring) close() {}

func (r *ring) read(ctx context.Context, b []byte, wait bool) (int, error) {
	if r.lost > 0 && r.at == 1 {
		r.at, r.lost = r.at+r.lost, 0
		return 0, errOverwritten
	}
	for r.at == len(r.records) {
		if !wait {
			return 0, errNoMore
		}
		if r.wait == nil || !r.wait() {
			<-ctx.Done()
			return 0, ctx.Err()
		}
	}
	r.at++
	return copy(b, r.records[r.at-1]), nil
}

// rec is the record with that number.
func rec(n int) string { return fmt.Sprintf("6,%d,%d,-;message %d\n", n, n*1000, n) }

func recs(from, to int) (all []string) {
	for n := from; n < to; n++ {
		all = append(all, rec(n))
	}
	return all
}

// machine is where a Source runs.
type machine struct {
	t        *testing.T
	proc     string
	problems []string
	notes    []string
	s        *Source
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, proc: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(m.proc, "sys/kernel/random"), 0o700); err != nil {
		t.Fatal(err)
	}
	m.boot("one", start)
	return m
}

func (m *machine) boot(id string, at time.Time) {
	m.t.Helper()
	for name, text := range map[string]string{"sys/kernel/random/boot_id": id + "\n", "stat": fmt.Sprintf("cpu 1 2\nbtime %d\nctxt 1\n", at.Unix())} {
		if err := os.WriteFile(filepath.Join(m.proc, name), []byte(text), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
}

// run ships what is in a ring.
func (m *machine) run(ctx context.Context, r *ring, to *sink, o Options) error {
	if o.MaxLine == 0 {
		o.MaxLine = 1 << 20
	}
	m.s = New(o)
	m.s.proc, m.s.open = m.proc, func() (device, error) { return r, nil }
	m.problems, m.notes = nil, nil
	m.s.Tell(func(err error) { m.problems = append(m.problems, err.Error()) }, func(text string) { m.notes = append(m.notes, text) })
	to.s = m.s
	return m.s.Run(ctx, to, to)
}

// sink keeps what it takes at once, and is the Positions of the next Run.
type sink struct {
	s     *Source
	lines []string
	long  int
	marks map[string][]byte
	fail  bool // on lines
}

var errFull = errors.New("full")

func (s *sink) Take(_ context.Context, c source.Chunk) error {
	if s.fail && len(c.Lines) > 0 {
		return errFull
	}
	for _, l := range c.Lines {
		s.lines = append(s.lines, string(l.Text))
		if l.TooLong {
			s.long++
		}
	}
	for _, m := range c.Marks {
		if s.marks == nil {
			s.marks = map[string][]byte{}
		}
		s.marks[m.Key] = slices.Clone(m.Value)
	}
	s.s.Kept(c.Marks)
	return nil
}

func (s *sink) Position(key string) []byte        { return s.marks[key] }
func (s *sink) Each(string, func(string, []byte)) {}

func (s *sink) messages() (all []string) {
	for _, line := range s.lines {
		h, _ := syslog.Parse([]byte(line), start)
		all = append(all, string(h.Text))
	}
	return all
}

func messages(numbers ...int) (all []string) {
	for _, n := range numbers {
		all = append(all, fmt.Sprint("message ", n))
	}
	return all
}

func (m *machine) check(to *sink, want []string) {
	m.t.Helper()
	if got := to.messages(); !reflect.DeepEqual(got, want) {
		m.t.Errorf("got %q\nwant %q", got, want)
	}
}

// Runs go on where the last one was; another boot begins anew, with its own time.
func TestRuns(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{}
	run := func(r *ring) {
		t.Helper()
		if err := m.run(t.Context(), r, to, Options{}); err != nil {
			t.Fatal(err)
		}
	}
	run(&ring{records: recs(0, 2)})
	run(&ring{records: recs(0, 2)})
	run(&ring{records: recs(0, 3)})
	m.check(to, messages(0, 1, 2))
	m.boot("two", start.Add(time.Hour))
	run(&ring{records: recs(0, 1)})
	m.check(to, messages(0, 1, 2, 0))
	if !strings.Contains(to.lines[3], " 2025-11-24T17:00:00.000000Z ") || len(m.problems)+len(m.notes) > 0 {
		t.Errorf("%s, %q, %q", to.lines[3], m.problems, m.notes)
	}
}

// What was read and not taken is read again, and is the same, though the clock was set.
func TestSameAgain(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{fail: true}
	if err := m.run(t.Context(), &ring{records: recs(0, 2)}, to, Options{}); !errors.Is(err, errFull) {
		t.Fatal(err)
	}
	m.boot("one", start.Add(7*time.Second))
	to.fail = false
	if err := m.run(t.Context(), &ring{records: recs(0, 2)}, to, Options{}); err != nil {
		t.Fatal(err)
	}
	if want := "<6>1 2025-11-24T16:00:00.001000Z "; len(to.lines) != 2 || !strings.HasPrefix(to.lines[1], want) {
		t.Errorf("%q", to.lines)
	}
}

// What is overwritten is counted: while it is read, between two runs, and before the first.
func TestOverwritten(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{}
	check := func(notes, problems []string) {
		t.Helper()
		if !reflect.DeepEqual(m.notes, notes) || !reflect.DeepEqual(m.problems, problems) {
			t.Errorf("notes %q, problems %q", m.notes, m.problems)
		}
	}
	if err := m.run(t.Context(), &ring{records: recs(3, 9), lost: 2}, to, Options{}); err != nil {
		t.Fatal(err)
	}
	m.check(to, messages(3, 6, 7, 8))
	check([]string{"3 of the kernel's messages since the machine started were overwritten before this first run"},
		[]string{"2 of the kernel's messages were overwritten before they were read"})
	if err := m.run(t.Context(), &ring{records: recs(19, 20)}, to, Options{}); err != nil {
		t.Fatal(err)
	}
	m.check(to, messages(3, 6, 7, 8, 19))
	check(nil, []string{"10 of the kernel's messages were overwritten before they were read"})
}

func TestFollow(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{}
	ctx, cancel := context.WithCancel(t.Context())
	r := &ring{records: recs(0, 1)}
	r.wait = func() bool {
		if len(to.lines) != len(r.records) {
			t.Errorf("it waits with %d lines of %d taken", len(to.lines), len(r.records))
		}
		if len(r.records) == 3 {
			cancel()
			return false
		}
		r.records = recs(0, len(r.records)+1)
		return true
	}
	if err := m.run(ctx, r, to, Options{Follow: true}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	m.check(to, messages(0, 1, 2))
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{}
	if err := m.run(t.Context(), &ring{records: []string{"6,0,0,-;" + strings.Repeat("x", 500), rec(1)}}, to, Options{MaxLine: 100}); err != nil {
		t.Fatal(err)
	}
	if to.long != 1 || len(to.lines) != 2 || len(to.lines[0]) != 100 {
		t.Errorf("%d, %q", to.long, to.lines)
	}
}

// What is no record ends a run, and what came before it stays.
func TestBadRecord(t *testing.T) {
	t.Parallel()
	m, to := newMachine(t), &sink{}
	err := m.run(t.Context(), &ring{records: []string{"junk"}}, to, Options{})
	if !errors.Is(err, errRecord) {
		t.Errorf("%v", err)
	}
	to.marks[Key] = []byte(`{"v":2}`)
	if err := m.run(t.Context(), &ring{}, to, Options{}); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("%v", err)
	}
}

// FuzzRecord reads anything as a record: its line is one, and syslog's.
func FuzzRecord(f *testing.F) {
	f.Add([]byte("6,339,5140900,-;NET: \\xc3\\xa9\n SUBSYSTEM=a\\x5d\n"))
	f.Add([]byte("4611686018427387903,0,4611686018427387903,-;x\n [=\"\\\x00\n=\n A\n"))
	f.Add([]byte("6,1,1,-;[kmsg x - - [kmsg \n"))
	f.Add([]byte("13,1,2;<13>1 - - - - [x]\\x0a\\x\\xff\\"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r record
		if r.parse(b) != nil {
			return
		}
		line := r.appendLine(nil, start, "web1")
		h, ok := syslog.Parse(line, start)
		if !ok || string(h.Tag) != "kernel" || string(h.Host) != "web1" || string(h.Data) != strings.TrimPrefix(string(r.appendPairs(nil)), "-") {
			t.Fatalf("%q: %+v", line, h)
		}
	})
}
