package ship

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/store"
)

// TestRunCrashes ships a growing and rotating log through every fault, each run being cut off at a random point, until a
// last one gets through: the store then has each line, and the rejects have each reject, as often as it was written.
func TestRunCrashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(seed, 7))
			f := newFake(t)
			f.anonymous = seed%3 == 0
			log := &rotatingLog{t: t, dir: t.TempDir(), rnd: rnd}
			for range 6 {
				log.grow()
				until := rnd.IntN(8)
				f.requests = 0
				f.fault = func(request int) fault {
					if request >= until {
						return connRefused
					}
					return fault(mix(seed+uint64(request)) % uint64(faults))
				}
				s, err := Run(t.Context(), log.options(f))
				if err != nil && !store.IsKind(err, store.KindUnavailable) {
					t.Fatal(err)
				}
				balance(t, s)
			}
			f.fault = nil
			mustRun(t, log.options(f))
			wantLines(t, f, log.written.String())
			wantRejects(t, f, log.rejected.String())
		})
	}
}

// rotatingLog is a log as a program and logrotate make it, with many equal lines.
type rotatingLog struct {
	t        *testing.T
	dir      string
	rnd      *rand.Rand
	written  strings.Builder // lines that become docs
	rejected strings.Builder
	now      string // what x.log holds
	old      int
}

func (l *rotatingLog) grow() {
	for range l.rnd.IntN(3 * batchDocs / 2) {
		line := fmt.Sprintf("line %d\n", l.rnd.IntN(4*batchDocs))
		if to := &l.written; l.rnd.IntN(4) > 0 {
			to.WriteString(line)
		} else {
			line = "reject " + line
			l.rejected.WriteString(line)
		}
		l.now += line
	}
	if l.rnd.IntN(3) == 0 {
		l.old++
		name, text := fmt.Sprintf("x.log.%d", l.old), l.now
		if l.rnd.IntN(2) == 0 {
			name, text = name+".gz", zip(text)
		}
		write(l.t, filepath.Join(l.dir, name), text)
		l.now = ""
	}
	write(l.t, filepath.Join(l.dir, "x.log"), l.now)
}

func (l *rotatingLog) options(f *fakeCouch) Options {
	o := plainOptions(f, filepath.Join(l.dir, "x.log*"))
	o.Endpoint.Compress = l.rnd.IntN(2) == 0
	o.Wait = time.Duration(l.rnd.IntN(2)) * 10 * time.Millisecond
	return o
}

// TestRunPatience lets a server be away for a while, on a clock of its own.
func TestRunPatience(t *testing.T) {
	t.Parallel()
	for _, what := range []fault{connRefused, unavailable, timedOut, lostAnswer, halfAnswer, shortAnswer, rowTimeouts} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t)
			start := time.Now()
			f.fault = func(int) fault {
				if time.Since(start) < 50*time.Second {
					return what
				}
				return fine
			}
			o := plainOptions(f)
			o.Wait, o.Stdin = time.Minute, strings.NewReader("a\nb\nc\n")
			s := mustRun(t, o)
			if s.Stored+s.There != 3 || f.requests > 20 {
				t.Errorf("fault %d: %+v after %d requests", what, s, f.requests)
			}
			wantLines(t, f, "a\nb\nc\n")
		})
	}
}

func TestRunGivesUp(t *testing.T) {
	t.Parallel()
	retry := func(status int, after string) *http.Response {
		r := reply(status, "application/json", `{"error":"too_many_requests","reason":"slow down"}`)
		r.Header.Set("Retry-After", after)
		return r
	}
	tests := []struct {
		name   string
		answer *http.Response // nil: connection refused
		kind   store.Kind
		hint   string
		within time.Duration
	}{
		{"refused", nil, store.KindUnavailable, "later", 61 * time.Second},
		{"503", reply(503, "text/html", ""), store.KindUnavailable, "later", 61 * time.Second},
		{"429 for too long", retry(429, "3600"), store.KindUnavailable, "later", 0},
		{"disk full", reply(507, "application/json", `{"error":"insufficient_storage","reason":"no space"}`), store.KindUnavailable, "later", 61 * time.Second},
		{"401", reply(401, "application/json", `{"error":"unauthorized","reason":"You are not authorized to access this db."}`), store.KindUnauthorized, "LOGCTL_USER", 0},
		{"403", reply(403, "application/json", `{"error":"forbidden","reason":"no"}`), store.KindForbidden, "LOGCTL_USER", 0},
		{"no database", reply(404, "application/json", `{"error":"not_found","reason":"Database does not exist."}`), store.KindNotFound, "logctl app create test", 0},
		{"some web server", reply(404, "text/html", ""), store.KindNotFound, "", 0},
		{"another web server", reply(200, "text/html", "<p>hello"), store.KindInternal, "", 0},
		{"a redirect", reply(308, "text/html", ""), store.KindInternal, "LOGCTL_URL", 0},
		{"wrong type", reply(415, "application/json", `{"error":"bad_content_type","reason":"x"}`), store.KindBadContentType, "", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFake(t)
				f.answer = tt.answer
				if tt.answer == nil {
					f.fault = func(int) fault { return connRefused }
				}
				o := plainOptions(f)
				o.Wait, o.Stdin = time.Minute, strings.NewReader("a\nb\n")
				s, err := Run(t.Context(), o)
				var e *store.Error
				if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Hint, tt.hint) {
					t.Errorf("error %#v", err)
				}
				if s.Left != 2 || s.Elapsed > tt.within {
					t.Errorf("%+v", s)
				}
				balance(t, s)
			})
		})
	}
}

// TestRunHalted ends a run that waits for a server: nothing is waited for any more, and the batches that the server does
// take are still counted.
func TestRunHalted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t)
		f.fault = func(int) fault { return connRefused }
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		o := plainOptions(f)
		o.Wait, o.Stdin = time.Hour, strings.NewReader("a\n")
		s, err := Run(ctx, o)
		if err == nil || s.Left != 1 || s.Elapsed > 21*time.Second {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestRunMakesDatabase(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.gone = true
	o := plainOptions(f)
	o.Stdin = strings.NewReader(strings.Repeat("a\n", 3*batchDocs))
	calls := 0
	o.EnsureApp = func(context.Context) (string, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		calls++
		f.gone = false
		return "", nil
	}
	if s := mustRun(t, o); s.Stored != 3*batchDocs || calls != 1 {
		t.Errorf("%d calls, %+v", calls, s)
	}

	f.gone = true
	o.Stdin = strings.NewReader("a\n")
	o.EnsureApp = func(context.Context) (string, error) { return "", store.NewError(store.KindForbidden, "not yours") }
	if _, err := Run(t.Context(), o); !store.IsKind(err, store.KindForbidden) {
		t.Errorf("error %v", err)
	}
}

// TestRunRefusals has docs that no server takes among others that must get through.
func TestRunRefusals(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.maxDocs, f.maxDoc = 700, 500
	f.refuse = func(doc string) bool { return strings.Contains(doc, "unwanted") }
	dir := t.TempDir()
	var good, bad strings.Builder
	for i := range 5000 {
		switch i % 1000 {
		case 1:
			bad.WriteString("malformed\n")
		case 2:
			bad.WriteString(strings.Repeat("long", 200) + "\n")
		case 3:
			bad.WriteString("unwanted\n")
		default:
			fmt.Fprintf(&good, "line %d\n", i%100)
		}
	}
	input := write(t, filepath.Join(dir, "log"), good.String()+bad.String()+good.String())
	o := plainOptions(f, input)
	o.Rejects = filepath.Join(dir, "rejects")
	s := mustRun(t, o)
	if s.Refused != 15 || len(s.Reasons) != 3 {
		t.Errorf("%+v", s)
	}
	wantLines(t, f, good.String()+good.String())

	kept, err := os.ReadFile(o.Rejects)
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(string(kept), "\n"), strings.Split(bad.String(), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("kept %.100q", got)
	}
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
