package ship

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// isAway is a server that is.
func isAway(int) fault { return connRefused }

func spoolOptions(t *testing.T, f *fakeCouch, text string) Options {
	t.Helper()
	o := plainOptions(f)
	o.Stdin = strings.NewReader(text)
	o.Spool.Dir = filepath.Join(t.TempDir(), "spool")
	return o
}

// wantWaiting checks what is in the spools.
func wantWaiting(t *testing.T, dir string, docs int64) {
	t.Helper()
	w, err := Spools(dir)
	if err != nil || w.Docs != docs || w.Oldest.IsZero() != (docs == 0) {
		t.Errorf("waiting: %+v, %v, want %d", w, err, docs)
	}
}

// TestSpool ships a pipe while the server is away: the lines wait for the next run, of whichever kind.
func TestSpool(t *testing.T) {
	t.Parallel()
	for _, anonymous := range []bool{false, true} {
		f := newFake(t)
		f.anonymous = anonymous
		f.fault = isAway
		o := spoolOptions(t, f, "a\na\nreject x\nb\n")
		s := mustRun(t, o)
		if s.Spooled != 3 || s.Left != 0 || s.Waiting.Docs != 4 || s.Away == nil {
			t.Errorf("server away: %+v", s)
		}
		wantWaiting(t, o.Spool.Dir, 4)
		f.fault = nil
		o.Inputs = []string{write(t, filepath.Join(t.TempDir(), "log"), "file\n")}
		s = mustRun(t, o)
		if s.Lines != 1 || s.Stored+s.Either != 1 || s.Earlier != 3 || s.Waiting.Docs != 0 || s.Away != nil {
			t.Errorf("server back: %+v", s)
		}
		wantLines(t, f, "a\na\nb\nfile\n")
		wantRejects(t, f, "reject x\n")
		wantWaiting(t, o.Spool.Dir, 0)
	}
}

// TestSpoolWaits has a server that comes back while the run reads, and one that comes back soon after it.
func TestSpoolWaits(t *testing.T) {
	t.Parallel()
	for _, back := range []time.Duration{time.Second, time.Hour + 50*time.Second} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			start := time.Now()
			f.fault = func(int) fault {
				if time.Since(start) < back {
					return connRefused
				}
				return fine
			}
			o := spoolOptions(t, f, "")
			r, w := io.Pipe()
			o.Stdin, o.Wait = r, time.Minute
			go func() {
				io.WriteString(w, "a\nb\n")
				time.Sleep(time.Hour)
				io.WriteString(w, "c\n")
				w.Close()
			}()
			s := mustRun(t, o)
			if s.Stored != 3 || s.Waiting.Docs != 0 {
				t.Errorf("%+v", s)
			}
			wantLines(t, f, "a\nb\nc\n")
		})
	}
}

// TestSpoolNever has a server that refuses the caller: that is an error, and the lines stay.
func TestSpoolNever(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.answer = reply(401, "application/json", `{"error":"unauthorized","reason":"no"}`)
	o := spoolOptions(t, f, "a\nb\n")
	s, err := Run(t.Context(), o)
	if !store.IsKind(err, store.KindUnauthorized) || s.Spooled != 2 || s.Left != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	f.answer = nil
	o.Stdin = nil
	if s = mustRun(t, o); s.Earlier != 2 {
		t.Errorf("%+v", s)
	}
	wantLines(t, f, "a\nb\n")
}

// TestSpoolRefused: what the server refuses becomes a reject with the reason, also when it is delivered again after a crash, and the
// queue moves on.
func TestSpoolRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fault = isAway
	o := spoolOptions(t, f, "good\nbad\nbad\nalso good\n")
	mustRun(t, o)
	copied := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(copied, os.DirFS(o.Spool.Dir)); err != nil {
		t.Fatal(err)
	}
	f.fault = nil
	f.refuse = func(doc string) bool { return doc == `{"line":"bad"}` }
	for _, dir := range []string{o.Spool.Dir, copied} {
		o.Spool.Dir, o.Stdin = dir, nil
		s := mustRun(t, o)
		if s.Earlier != 4 || len(s.Reasons) != 1 || s.Reasons[0].Lines != 2 || s.Waiting.Docs != 0 {
			t.Errorf("%+v", s)
		}
		wantLines(t, f, "good\nalso good\n")
		wantRejects(t, f, "bad\nbad\n")
	}
}

// numbered is so many different lines.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%06d %s\n", i, strings.Repeat("x", 100))
	}
	return b.String()
}

// TestSpoolFull: reading waits for the server when the spool is full, however long. It comes back, or the run is ended.
func TestSpoolFull(t *testing.T) {
	t.Parallel()
	text := numbered(30_000)
	for _, back := range []bool{true, false} {
		f := newFake(t)
		f.fault = func(request int) fault {
			if back && request >= 8 {
				return fine
			}
			return connRefused
		}
		o := spoolOptions(t, f, text)
		o.Wait, o.Spool.MaxBytes = time.Millisecond, 2<<20
		if back {
			o.Wait = time.Minute
		}
		ctx, cancel := context.WithCancel(t.Context())
		requests := 0
		if was := f.fault; !back {
			f.fault = func(request int) fault {
				if requests++; requests == 100 { // long after the spool was full
					cancel()
				}
				return was(request)
			}
		}
		s, err := Run(ctx, o)
		cancel()
		balance(t, s)
		if s.Waiting.Bytes > 4<<20 || len(s.Notes) != 1 {
			t.Errorf("%+v", s)
		}
		if back {
			if err != nil || s.Stored != 30_000 {
				t.Errorf("%+v, %v", s, err)
			}
			wantLines(t, f, text)
		} else if err == nil || ctx.Err() == nil || s.Left == 0 || s.Spooled == 0 {
			t.Errorf("%+v, %v", s, err)
		}
	}
}

// TestSpoolDrops: what is dropped is counted in a doc of its own.
func TestSpoolDrops(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.anonymous = true
	f.fault = isAway
	o := spoolOptions(t, f, numbered(90_000))
	o.Machine = "web"
	o.Spool.MaxBytes, o.Spool.DropOldest = 2<<20, true // less than is on its way at a time, which can't be dropped
	mustRun(t, o)
	f.fault, o.Stdin = nil, nil
	s := mustRun(t, o)
	var dropped, notices int64
	for _, body := range f.docs {
		if strings.Contains(body, `"event":"dropped"`) {
			var n int64
			if _, err := fmt.Sscanf(body[strings.Index(body, `"docs":`):], `"docs":%d`, &n); err != nil || !strings.Contains(body, `"machine":"web"`) {
				t.Errorf("%s: %v", body, err)
			}
			dropped += n
			notices++
		}
	}
	if notices == 0 || int64(len(f.docs))-notices+dropped != 90_000 || s.Earlier != int64(len(f.docs)) {
		t.Errorf("%d docs, %d notices of %d dropped: %+v", len(f.docs), notices, dropped, s)
	}
}

// TestSpoolTwoRuns: two pipes of one app at a time each have a spool, and the next run empties both.
func TestSpoolTwoRuns(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fault = isAway
	one := spoolOptions(t, f, "")
	r, w := io.Pipe()
	one.Stdin = r
	done := make(chan error)
	go func() {
		_, err := Run(t.Context(), one)
		done <- err
	}()
	io.WriteString(w, "one\n") // is read, so its spool is open
	two := one
	two.Stdin = strings.NewReader("two\n")
	if s := mustRun(t, two); s.Spooled != 1 {
		t.Errorf("%+v", s)
	}
	w.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	wantWaiting(t, one.Spool.Dir, 2)
	f.fault, two.Stdin = nil, nil
	if s := mustRun(t, two); s.Earlier != 2 {
		t.Errorf("%+v", s)
	}
	wantLines(t, f, "one\ntwo\n")
}

// TestSpoolNowhere goes on without a spool where there can be none.
func TestSpoolNowhere(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := spoolOptions(t, f, "a\n")
	o.Spool.Dir = "/proc/nowhere"
	if s := mustRun(t, o); s.Stored != 1 || len(s.Notes) != 1 {
		t.Errorf("%+v", s)
	}
}

// TestSpoolCrashes ships pipes to a server with every kind of fault, each run being ended at a random moment: in the end every line
// that was taken is there, once.
func TestSpoolCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 3))
			f := newFake(t)
			f.anonymous = seed%2 == 0
			o := spoolOptions(t, f, "")
			var want strings.Builder
			for run := range 6 {
				var text strings.Builder
				for i := range rnd.IntN(2 * batchDocs) {
					fmt.Fprintf(&text, "%d.%d\n", run, i/2)
				}
				want.WriteString(text.String())
				until := rnd.IntN(6)
				f.requests = 0
				ctx, cancel := context.WithCancel(t.Context())
				f.fault = func(request int) fault {
					if request >= until {
						return connRefused
					}
					return fault(mix(seed+uint64(request)) % uint64(faults))
				}
				o.Stdin = strings.NewReader(text.String())
				o.Endpoint.Compress = rnd.IntN(2) == 0
				s, err := Run(ctx, o)
				cancel()
				if err != nil || s.Left > 0 {
					t.Fatalf("%+v, %v", s, err)
				}
				balance(t, s)
			}
			f.fault, o.Stdin = nil, nil
			mustRun(t, o)
			wantLines(t, f, want.String())
			wantWaiting(t, o.Spool.Dir, 0)
		})
	}
}
