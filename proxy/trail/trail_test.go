package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// kept is what was written.
type kept struct {
	mu   sync.Mutex
	fail bool
	docs []map[string]any
}

func (k *kept) write(_ context.Context, docs [][]byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail {
		return errors.New("away")
	}
	for _, d := range docs {
		var doc map[string]any
		if err := json.Unmarshal(d, &doc); err != nil {
			return err
		}
		if len(d) > 7000 {
			return fmt.Errorf("a doc of %d bytes", len(d))
		}
		k.docs = append(k.docs, doc)
	}
	return nil
}

// lines are the docs without their times.
func (k *kept) lines() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []string
	for _, d := range k.docs {
		var words []string
		for _, m := range []string{"event", "who", "ip", "db", "on", "status", "reason", "count"} {
			if v, ok := d[m]; ok {
				words = append(words, fmt.Sprint(v))
			}
		}
		all = append(all, strings.Join(words, " "))
	}
	return all
}

func (k *kept) expect(t *testing.T, want ...string) {
	t.Helper()
	if got := k.lines(); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDeedsComeSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k kept
		trail := New(Options{Write: k.write})
		trail.Deed(Event{What: "permissions", Who: "admin", From: "192.0.2.1", DB: "log_app", Status: 200})
		k.expect(t)
		time.Sleep(defaultSoon)
		synctest.Wait()
		k.expect(t, "permissions admin 192.0.2.1 log_app 200 1")
		trail.Deed(Event{What: "design", Who: "admin", From: "::1", DB: "log_app", On: "report", Status: 201})
		trail.Close()
		k.expect(t, "permissions admin 192.0.2.1 log_app 200 1", "design admin ::1 log_app report 201 1")
		if id := k.docs[0]["_id"].(string); !strings.HasPrefix(id, time.Now().Format("20060102")) || len(id) != len("20170614171612329-9q2s4tg1kd07vbn3") {
			t.Errorf("id %s", id)
		}
	})
}

// A flood of strangers leaves ten docs in five minutes, and what is told adds up.
func TestFlood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k kept
		trail := New(Options{Write: k.write})
		for range 500 {
			trail.Try(Event{What: "login_failed", Who: "a password", From: "192.0.2.7", Status: 401, Reason: "unauthorized"})
		}
		for i := range 100_000 {
			trail.Try(Event{What: "refused", From: fmt.Sprintf("10.0.%d.%d", i/256%256, i%256), Status: 401, Reason: "unauthorized"})
		}
		time.Sleep(defaultWindow)
		synctest.Wait()
		lines := k.lines()
		if len(lines) != windowDocs {
			t.Fatalf("%d docs: %s", len(lines), lines)
		}
		sum := 0.0
		for _, d := range k.docs {
			sum += d["count"].(float64)
		}
		if sum != 100_500 {
			t.Errorf("%v are told of", sum)
		}
		if lines[1] != "login_failed 192.0.2.7 401 unauthorized 500" || !strings.HasPrefix(lines[windowDocs-1], "others ") {
			t.Errorf("%s", strings.Join(lines, "\n"))
		}
		trail.mu.Lock()
		if len(trail.tries) != 0 {
			t.Errorf("%d are still counted", len(trail.tries))
		}
		trail.mu.Unlock()
		trail.Close()
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k kept
		trail := New(Options{Write: k.write})
		trail.Met("alice")
		for _, name := range []string{"alice", "hunter2", "alice"} {
			trail.Try(Event{What: "login_failed", Who: name, From: "192.0.2.1", Status: 401})
		}
		trail.Try(Event{What: "refused", From: "2001:db8::1"})
		trail.Try(Event{What: "refused", From: "2001:db8::2"})
		trail.Close()
		k.expect(t, "login_failed alice 192.0.2.1 401 2", "refused 2001:db8:: 2", "login_failed 192.0.2.1 401 1")
	})
}

// Deeds are bounded, too, and none is lost in silence while the store is away.
func TestBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := kept{fail: true}
		trail := New(Options{Write: k.write})
		for range 2 * deedBurst {
			trail.Deed(Event{What: "user", Who: "admin"})
		}
		const more = 3000
		for range more {
			time.Sleep(time.Second)
			trail.Deed(Event{What: "user", Who: "admin"})
		}
		k.mu.Lock()
		k.fail = false
		k.mu.Unlock()
		trail.Close()
		sum := 0.0
		for _, d := range k.docs {
			sum += d["count"].(float64)
		}
		if len(k.docs) > maxQueue+1 {
			t.Errorf("%d docs", len(k.docs))
		}
		// What was lost were docs, and of counted ones each stands for many.
		lost := k.docs[len(k.docs)-1]
		if lost["event"] != "lost" || lost["count"].(float64) < 1 || sum < maxQueue {
			t.Errorf("%v, %v in all", lost, sum)
		}
	})
}

func TestLongTexts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k kept
		trail := New(Options{Write: k.write})
		long := strings.Repeat("ü\"\x00", 10_000)
		e := Event{What: "user", Who: long, From: long, DB: long, On: long, Reason: long, Status: 1}
		trail.Deed(e)
		trail.Try(e)
		for kept := range trail.tries {
			if size := len(kept.Who + kept.From + kept.DB + kept.On + kept.Reason); size > 5*(maxText+len("…")) {
				t.Errorf("a try is kept in %d bytes", size)
			}
		}
		trail.Close()
		if len(k.docs) != 2 {
			t.Errorf("%d docs", len(k.docs))
		}
		for _, doc := range k.docs {
			if on := doc["on"].(string); len(on) > maxText+len("…") || !strings.HasPrefix(on, "ü\"\x00ü") {
				t.Errorf("on %q", on)
			}
		}
	})
}

func TestNil(t *testing.T) {
	t.Parallel()
	var trail *Trail
	trail.Deed(Event{})
	trail.Try(Event{})
	trail.Met("x")
	if err := trail.Close(); err != nil {
		t.Error(err)
	}
}
