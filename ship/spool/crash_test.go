package spool

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// written makes a queue of records in one segment and gives its file, and where each record ends.
func written(t *testing.T, records ...string) (dir, path string, ends []int) {
	t.Helper()
	dir = t.TempDir()
	s := mustOpen(t, dir, Options{files: &faulty{}})
	for _, r := range records {
		mustAppend(t, s, r)
		ends = append(ends, int(s.Status().Bytes))
	}
	s.Close()
	return dir, segments(t, dir)[0], ends
}

// TestTorn cuts the file off at every byte: all records before that are there, and what is torn is counted once.
func TestTorn(t *testing.T) {
	t.Parallel()
	records := []string{"one", "two", "three"}
	dir, path, ends := written(t, records...)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) + 1 {
		for _, tail := range [][]byte{whole[:size], append(bytes.Clone(whole[:size]), make([]byte, len(whole)-size)...)} {
			if err := os.WriteFile(path, tail, 0o600); err != nil {
				t.Fatal(err)
			}
			n, sure := 0, segmentHead
			for n < len(ends) && size >= ends[n] {
				sure = ends[n]
				n++
			}
			s := mustOpen(t, dir, Options{files: &faulty{}})
			want := strings.Join(records[:n], " ")
			if torn := s.Status().Torn; n > 0 && torn != int64(len(tail)-sure) {
				t.Errorf("cut at %d: torn %d", size, torn)
			}
			wantTexts(t, s, want)
			mustAppend(t, s, "new")
			s.Close()
			s = mustOpen(t, dir, Options{files: &faulty{}})
			wantTexts(t, s, strings.TrimSpace(want+" new"))
			if st := s.Status(); st.Torn != 0 || st.Damaged != 0 {
				t.Errorf("cut at %d, after: %+v", size, st)
			}
			for _, e := range s.out {
				defer s.Ack(e)
			}
			s.Close()
			for _, path := range segments(t, dir) {
				os.Remove(path)
			}
		}
	}
}

// TestBitFlips turns a bit of every byte around: records that it does not touch come out, and the one it does is told of.
func TestBitFlips(t *testing.T) {
	t.Parallel()
	records := []string{"first", "second", "third"}
	dir, path, ends := written(t, records...)
	s := mustOpen(t, dir, Options{files: &faulty{}})
	mustAppend(t, s, "other") // so that the damaged one is not the last
	s.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		bit := 8*i + i%8
		flipped := bytes.Clone(whole)
		flipped[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		hit := -1 // the segment's own header is not needed
		for i, end := range ends {
			if bit/8 >= segmentHead && bit/8 < end {
				hit = i
				break
			}
		}
		s := mustOpen(t, dir, Options{files: &faulty{}})
		entries, damage := take(t, s)
		want := append(append([]string{}, records...), "other")
		if hit >= 0 {
			want = append(want[:hit], want[hit+1:]...)
		}
		if got := texts(entries); got != strings.Join(want, " ") {
			t.Errorf("bit %d: %q", bit, got)
		}
		if hit >= 0 && (len(damage) != 1 || damage[0].Bytes != int64(ends[hit]-segmentHead-sum(records[:hit])) || damage[0].Error() == "" ||
			damage[0].Docs >= 0 && damage[0].Docs != len(records[hit]) || s.Status().Damaged != 1) {
			t.Errorf("bit %d: told %v, %+v", bit, damage, s.Status())
		}
		if st := s.Status(); st.Records != int64(len(entries)) {
			t.Errorf("bit %d: %+v", bit, st)
		}
		s.Close()
	}
}

func sum(records []string) (n int) {
	for _, r := range records {
		n += recordHead + len(r)
	}
	return n
}

// TestForged: a record that stands in another's data is none, even where the header before it is damaged.
func TestForged(t *testing.T) {
	t.Parallel()
	h := header{length: 4, docs: 1, sum: checksum([]byte("evil"))}
	forged := append(h.append(nil, 0, segmentHead+recordHead), "evil"...)
	dir, path, _ := written(t, string(forged), "last")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[segmentHead] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, Options{files: &faulty{}})
	defer s.Close()
	entries, damage := take(t, s)
	if texts(entries) != "last" || len(damage) != 1 {
		t.Errorf("%q, %v", texts(entries), damage)
	}
}

// TestErrors lets the n-th operation on files fail, for every n and for all from there on. What Append has promised comes out.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, forever := range []bool{false, true} {
		for n := 1; ; n++ {
			dir := t.TempDir()
			f := &faulty{}
			f.fail = func(op int, what string) error {
				if op == n || forever && op > n {
					return fmt.Errorf("%s: %w", what, syscall.EIO)
				}
				return nil
			}
			promised, acked := work(dir, f)
			f.fail = nil
			s := mustOpen(t, dir, Options{files: &faulty{}})
			entries, damage := take(t, s)
			got := map[string]bool{}
			for _, e := range entries {
				got[string(e.Data)] = true
			}
			for text := range promised {
				if !got[text] && !acked[text] {
					t.Fatalf("error at %d: %q is lost: %v, %v", n, text, texts(entries), damage)
				}
			}
			s.Close()
			if f.ops < n {
				break
			}
			if n > 5000 {
				t.Fatal("no end")
			}
		}
	}
}

// work uses a queue as far as its files let it.
func work(dir string, f files) (promised, acked map[string]bool) {
	promised, acked = map[string]bool{}, map[string]bool{}
	for round := range 2 {
		s, err := Open(dir, Options{files: f, segmentBytes: 120})
		if err != nil {
			continue
		}
		for i := range 8 {
			text := fmt.Sprintf("record %d.%d", round, i)
			if s.Append(1, []byte(text)) == nil {
				promised[text] = true
			}
			if i%2 == 0 {
				continue
			}
			if e, err := s.Next(); err == nil && e != nil {
				s.Ack(e)
				acked[string(e.Data)] = true
			}
		}
		s.Close()
	}
	return promised, acked
}

// TestCrashes takes the power away between random operations: what was promised and not acknowledged comes out, in its order, or was
// dropped and is told.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 1))
			m := &model{t: t, rnd: rnd, dir: t.TempDir(), acked: map[int]bool{}}
			for range 10 {
				m.run()
			}
		})
	}
}

// model knows what must be in a queue.
type model struct {
	t        *testing.T
	rnd      *rand.Rand
	dir      string
	n        int   // records tried
	promised []int // by Append
	acked    map[int]bool
	told     int64 // dropped, by notices that were acknowledged
}

// run uses the queue for a while and crashes.
func (m *model) run() {
	f := &faulty{synced: map[string]int64{}}
	for _, path := range segments(m.t, m.dir) {
		info, err := os.Stat(path)
		if err != nil {
			m.t.Fatal(err)
		}
		f.synced[path] = info.Size()
	}
	s := mustOpen(m.t, m.dir, Options{files: f, segmentBytes: 300, MaxBytes: 3000, DropOldest: true})
	m.check(s)
	var out []*Entry
	for range m.rnd.IntN(60) {
		switch m.rnd.IntN(5) {
		case 0:
			if e, err := s.Next(); err != nil {
				m.t.Fatal(err)
			} else if e != nil {
				out = append(out, e)
			}
		case 1:
			if len(out) > 0 {
				i := m.rnd.IntN(len(out))
				s.Ack(out[i])
				m.done(out[i])
				out = append(out[:i], out[i+1:]...)
			}
		default:
			m.n++
			err := s.Append(1, fmt.Appendf(nil, "%d %s", m.n, strings.Repeat("x", m.rnd.IntN(200))))
			if errors.Is(err, ErrFull) {
				continue // all are out
			}
			if err != nil {
				m.t.Fatal(err)
			}
			m.promised = append(m.promised, m.n)
		}
	}
	m.dir = f.crash(m.t, m.dir, m.rnd)
	s.Close()
}

func number(e *Entry) (n int) {
	fmt.Sscanf(string(e.Data), "%d", &n)
	return n
}

// done counts a record that was delivered, or a notice.
func (m *model) done(e *Entry) {
	if e.Dropped == nil {
		m.acked[number(e)] = true
	} else {
		m.told += e.Dropped.Records
	}
}

// check reads a copy of the queue to its end.
func (m *model) check(s *Spool) {
	m.t.Helper()
	dir := m.t.TempDir()
	for _, path := range append(segments(m.t, m.dir), filepath.Join(m.dir, doneName)) {
		data, err := os.ReadFile(path)
		if err != nil {
			continue // there may be no doneName
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), data, 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	c := mustOpen(m.t, dir, Options{})
	defer c.Close()
	entries, damage := take(m.t, c)
	if len(damage) > 0 {
		m.t.Fatal(damage)
	}
	there, last, told := map[int]bool{}, 0, m.told
	for _, e := range entries {
		if e.Dropped != nil {
			told += e.Dropped.Records
			continue
		}
		n := number(e)
		if n <= last {
			m.t.Fatalf("%d comes after %d", n, last)
		}
		last = n
		there[n] = true
	}
	var missing int64
	for _, n := range m.promised {
		if !there[n] && !m.acked[n] {
			missing++
		}
	}
	if missing > told {
		m.t.Fatalf("%d records are missing, %d are told", missing, told)
	}
	if st := s.Status(); st.Records != int64(len(entries)) {
		m.t.Fatalf("%+v, but %d records", st, len(entries))
	}
}

// FuzzOpen opens whatever may stand in a segment.
func FuzzOpen(f *testing.F) {
	const salt = 7
	whole := appendSegmentHead(nil)
	for _, text := range []string{"one", "two"} {
		h := header{length: uint32(len(text)), docs: 1, sum: checksum([]byte(text))}
		whole = append(h.append(whole, salt, int64(len(whole))), text...)
	}
	f.Add(whole, []byte{})
	f.Add(whole[:len(whole)-1], place{1, salt, segmentHead}.append(nil))
	f.Add(whole[:20], place{1, salt, 1 << 40}.append(nil))
	f.Add(whole, place{1, salt, -1}.append(nil))
	for _, h := range []header{{docs: 1<<32 - 1, time: 1<<63 - 1}, {docs: 0, time: -1 << 63}, {docs: 1, dropped: 1}, {docs: 1, dropped: 2}, {length: maxData}} {
		h.sum = checksum(nil)
		f.Add(h.append(bytes.Clone(whole), salt, int64(len(whole))), []byte{})
		f.Add(append(h.append(appendSegmentHead(nil), salt, segmentHead), "torn"...), []byte{})
	}
	f.Fuzz(func(t *testing.T, segment, done []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{segmentName(1, salt): segment, doneName: done} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := Open(dir, Options{})
		if err != nil {
			return
		}
		defer s.Close()
		entries, _ := take(t, s)
		for _, e := range entries {
			s.Ack(e)
		}
		if st := s.Status(); st.Records != 0 || st.Docs != 0 {
			t.Errorf("%+v after %d", st, len(entries))
		}
	})
}
