package tail

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/ship/source"
)

// Rotation goes on while names are looked at, while files are read, and while nobody runs. Whatever falls between what, each line
// is given out once.
func TestRotatedInBetween(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*rotator){"renamed": (*rotator).rename, "packed": (*rotator).pack, "packed later": (*rotator).packLater, "copied": (*rotator).copyTruncate}
	for way, rotate := range ways {
		for _, dated := range []bool{true, false} {
			t.Run(fmt.Sprint(way, map[bool]string{true: ", dated", false: ", undated"}[dated]), func(t *testing.T) {
				t.Parallel()
				n := 100
				if testing.Short() {
					n = 30
				}
				for seed := range n {
					if interleave(t, uint64(seed), rotate, dated); t.Failed() {
						t.Fatalf("seed %d", seed)
					}
				}
			})
		}
	}
}

// interleave lets rotation and a Tailer go on in turns, in an order that the seed gives.
func interleave(t *testing.T, seed uint64, rotate func(*rotator), dated bool) {
	dir, err := os.MkdirTemp(t.TempDir(), "")
	must(t, err)
	defer os.RemoveAll(dir)
	r := &rotator{log: &log{t: t, dated: dated}, path: filepath.Join(dir, "x.log"), rnd: rand.New(rand.NewPCG(seed, 0)), rotate: rotate}
	s := &forgetful{shipper: shipper{t: t, kept: map[string][]byte{}, news: make(chan struct{}, 1)}, between: r.some}
	var story []string
	tell := func(what string) { story = append(story, what) }
	r.tell, s.heard = tell, tell
	s.o = Options{Paths: []string{r.path + "*"}, Follow: true, LeaveOut: func(fs.FileInfo) string {
		r.some()
		return ""
	}, Note: func(text string) { tell("note: " + text) }, Problem: func(err error) { tell("problem: " + err.Error()) }}
	var tl *Tailer
	restart := func() {
		if tl != nil {
			tell("killed")
			tl.close()
			s.lose(r.rnd)
		}
		tl = s.tailer(true)
		tl.sink, tl.buf = s, make([]byte, bufferSize)
		tl.texts, tl.next, err = load(s)
		must(t, err)
		must(t, tl.catchUp(t.Context()))
	}
	r.some()
	restart()
	for range 25 {
		if r.rnd.IntN(6) == 0 {
			restart()
		}
		tell("look")
		must(t, tl.readAll(t.Context(), tl.scan()))
	}
	s.between = func() {}
	r.idle = true
	for len(r.steps) > 0 {
		r.step()
	}
	for range 4 {
		must(t, tl.readAll(t.Context(), tl.scan()))
	}
	// What might be a copy in the making is so no more after a while.
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		old := time.Now().Add(-time.Hour)
		must(t, os.Chtimes(filepath.Join(dir, e.Name()), old, old))
	}
	for range 4 {
		must(t, tl.readAll(t.Context(), tl.scan()))
	}
	restart()
	must(t, tl.readAll(t.Context(), tl.scan()))
	tl.close()
	s.commit(len(s.chunks))
	if s.want(r.log.all.String()); t.Failed() {
		t.Log(strings.Join(story, " · "))
	}
}

// A log and a copy of it that is just made are met at once, the copy first.
func TestCopyInTheMakingFirst(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*")
	x := filepath.Join(s.dir, "x.log")
	tl, look := s.looker(true)
	defer tl.close()
	l.write(x, l.more(5))
	l.write(x+".1", l.all.String())
	before := time.Now().Add(-time.Second)
	must(t, os.Chtimes(x+".1", before, before))
	look()
	look()
	must(t, os.Truncate(x, 0))
	l.write(x, l.more(2))
	for range 3 {
		look()
	}
	s.want(l.all.String())
}

// A log that was emptied and begun anew, of which rotation has copied the new beginning, is read once.
func TestCopiedAfterTruncation(t *testing.T) {
	t.Parallel()
	l := &log{t: t, dated: true}
	s := newShipper(t, "x.log*")
	x := filepath.Join(s.dir, "x.log")
	tl, look := s.looker(true)
	defer tl.close()
	l.write(x, l.more(5))
	look()
	must(t, os.Truncate(x, 0))
	text := l.more(2)
	l.write(x, text)
	l.write(x+".1", text)
	old := time.Now().Add(-time.Hour) // it comes first
	must(t, os.Chtimes(x+".1", old, old))
	for range 3 {
		look()
	}
	s.want(l.all.String())
}

// Of a compressed file that ends before anything of its text nothing is known: when it is whole, it is what it was made of.
func TestTornBeforeText(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*")
	x := filepath.Join(s.dir, "x.log")
	tl, look := s.looker(true)
	defer tl.close()
	l.write(x, l.more(5))
	look()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(l.all.String()))
	must(t, errors.Join(err, z.Close(), os.Remove(x)))
	old := time.Now().Add(-time.Hour)
	for _, size := range []int{10, packed.Len()} {
		must(t, os.WriteFile(x+".1.gz", packed.Bytes()[:size], 0o600))
		must(t, os.Chtimes(x+".1.gz", old, old))
		for range 2 {
			look()
		}
	}
	s.want(l.all.String())
	if len(s.problems) != 1 {
		t.Errorf("problems %q", s.problems)
	}
}

// A file that loses its name while it is not clear whether it is what stands elsewhere is that, and nothing waits for it.
func TestNamelessCopy(t *testing.T) {
	t.Parallel()
	l := &log{t: t}
	s := newShipper(t, "x.log*")
	x := filepath.Join(s.dir, "x.log")
	tl, look := s.looker(true)
	defer tl.close()
	l.write(x+".2", l.more(5))
	look()
	l.write(x+".1", l.all.String())
	files := tl.scan()
	must(t, os.Remove(x+".1"))
	must(t, tl.readAll(t.Context(), files))
	tl.soon = false
	look()
	if tl.soon {
		t.Error("names are looked at again and again")
	}
	s.want(l.all.String())
}

// forgetful loses the newest of what it got, as one does that is killed.
type forgetful struct {
	shipper
	chunks  []source.Chunk
	between func()
	heard   func(string)
}

// Take is source.Sink's.
func (s *forgetful) Take(_ context.Context, c source.Chunk) error {
	s.between()
	c.Lines, c.Marks = slices.Clone(c.Lines), slices.Clone(c.Marks)
	for i := range c.Lines {
		c.Lines[i].Text = slices.Clone(c.Lines[i].Text)
	}
	for i := range c.Marks {
		c.Marks[i].Value = slices.Clone(c.Marks[i].Value)
	}
	s.chunks = append(s.chunks, c)
	if len(c.Lines) > 0 {
		s.heard(fmt.Sprintf("read %d to %q of %s", len(c.Lines), c.Lines[len(c.Lines)-1].Text, filepath.Base(c.From.Name)))
	}
	return nil
}

// commit keeps the oldest n chunks.
func (s *forgetful) commit(n int) {
	for _, c := range s.chunks[:n] {
		must(s.t, s.shipper.Take(context.Background(), c))
	}
	s.chunks = s.chunks[n:]
}

func (s *forgetful) lose(rnd *rand.Rand) {
	s.commit(rnd.IntN(len(s.chunks) + 1))
	s.chunks = nil
}

// rotator writes to a log and rotates it, a step at a time.
type rotator struct {
	*log
	path   string
	rnd    *rand.Rand
	rotate func(*rotator)
	tell   func(string)
	steps  []func()
	turns  int
	idle   bool // nothing new is begun
}

// some does a few steps, or none.
func (r *rotator) some() {
	if r.idle || r.rnd.IntN(3) > 0 {
		return
	}
	for range r.rnd.IntN(12) {
		r.step()
	}
}

func (r *rotator) step() {
	if len(r.steps) > 0 {
		step := r.steps[0]
		r.steps = r.steps[1:]
		step()
		return
	}
	if r.turns < 5 && r.rnd.IntN(3) == 0 {
		r.rotate(r)
		return
	}
	r.append(r.path)
}

func (r *rotator) append(path string) {
	if n := r.rnd.IntN(3); n > 0 {
		r.write(path, r.more(n))
		r.tell(fmt.Sprint("append to line ", r.n))
	}
}

func (r *rotator) then(what string, step func()) {
	r.steps = append(r.steps, func() {
		r.tell(what)
		step()
	})
}

func (r *rotator) move(from, to string) {
	r.then("rename "+filepath.Base(from)+" to "+filepath.Base(to), func() { must(r.t, os.Rename(from, to)) })
}

// shift renames what was rotated before.
func (r *rotator) shift(first int, suffix string) {
	for i := r.turns; i >= first; i-- {
		r.move(fmt.Sprint(r.path, ".", i, suffix), fmt.Sprint(r.path, ".", i+1, suffix))
	}
	r.turns++
}

func (r *rotator) rename() {
	r.write(r.path, "")
	r.shift(1, "")
	r.move(r.path, r.path+".1")
	if r.rnd.IntN(2) == 0 {
		r.then("append to the old one", func() { r.append(r.path + ".1") })
	}
	r.then("create", func() { r.write(r.path, r.more(r.rnd.IntN(2))) })
}

func (r *rotator) pack() {
	r.write(r.path, "")
	r.shift(1, ".gz")
	r.move(r.path, r.path+".1")
	r.then("create", func() { r.write(r.path, r.more(r.rnd.IntN(2))) })
	r.compress(r.path + ".1")
}

// packLater compresses the second last, as logrotate's delaycompress does.
func (r *rotator) packLater() {
	r.write(r.path, "")
	if r.turns > 0 {
		r.compress(r.path + ".1")
		r.shift(1, ".gz")
		r.turns--
	}
	r.turns++
	r.move(r.path, r.path+".1")
	r.then("create", func() { r.write(r.path, r.more(r.rnd.IntN(2))) })
}

func (r *rotator) compress(path string) {
	var f *os.File
	var packed bytes.Buffer
	var info fs.FileInfo
	r.then("begin to compress", func() {
		text, err := os.ReadFile(path)
		must(r.t, err)
		info, err = os.Stat(path)
		must(r.t, err)
		w := gzip.NewWriter(&packed)
		_, err = w.Write(text)
		must(r.t, errors.Join(err, w.Close()))
		f, err = os.Create(path + ".gz")
		must(r.t, err)
	})
	r.then("write the head", func() {
		_, err := f.Write(packed.Next(10))
		must(r.t, err)
	})
	r.then("write the rest", func() {
		_, err := f.Write(packed.Bytes())
		must(r.t, errors.Join(err, f.Close()))
	})
	r.then("set the time", func() { must(r.t, os.Chtimes(path+".gz", info.ModTime(), info.ModTime())) })
	r.then("remove the plain one", func() { must(r.t, os.Remove(path)) })
}

func (r *rotator) copyTruncate() {
	r.write(r.path, "")
	r.shift(1, "")
	var text []byte
	var f *os.File
	r.then("begin to copy", func() {
		var err error
		text, err = os.ReadFile(r.path)
		must(r.t, err)
		f, err = os.Create(r.path + ".1")
		must(r.t, err)
	})
	r.then("copy one half", func() {
		_, err := f.Write(text[:len(text)/2])
		must(r.t, err)
	})
	r.then("copy the other", func() {
		_, err := f.Write(text[len(text)/2:])
		must(r.t, errors.Join(err, f.Close()))
	})
	r.then("truncate", func() { must(r.t, os.Truncate(r.path, 0)) })
}
