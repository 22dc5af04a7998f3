package proxy

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func basicHeader(name, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
}

// waitOf is how long a try has to wait.
func waitOf(a *attempts, client, name string, now time.Time) time.Duration {
	wait, later := a.begin(client, name, now)
	if wait == 0 && later == nil {
		a.settle(client, name)
	}
	return wait
}

// TestAttempts guesses passwords until it has to wait; elsewhere, and for who was in before, nothing has changed.
func TestAttempts(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := newAttempts()
	const here, there = "192.0.2.1", "192.0.2.2"
	for i := range perAccount.free {
		if wait := waitOf(a, here, "alice", now); wait != 0 {
			t.Fatalf("attempt %d has to wait for %v", i, wait)
		}
		a.failed(here, "alice", now)
	}
	if wait := waitOf(a, here, "alice", now); wait != perAccount.each {
		t.Errorf("after %d: %v", perAccount.free, wait)
	}
	if waitOf(a, there, "alice", now) != 0 || waitOf(a, here, "bob", now) != 0 {
		t.Error("another address, or another account, has to wait")
	}
	if waitOf(a, here, "alice", now.Add(perAccount.each)) != 0 {
		t.Error("still has to wait later")
	}
	for i := range perAddress.free - perAccount.free {
		a.failed(here, fmt.Sprint(i), now)
	}
	if wait := waitOf(a, here, "bob", now); wait != perAddress.each {
		t.Errorf("many accounts from one address: %v", wait)
	}
	for range 10_000 {
		a.failed(here, "alice", now)
	}
	if wait := waitOf(a, here, "alice", now); wait > maxDebt+perAccount.each {
		t.Errorf("has to wait for %v", wait)
	}
	a.succeeded(here, "alice")
	if wait := waitOf(a, here, "alice", now.Add(maxDebt+perAddress.each)); wait != 0 {
		t.Errorf("in the end: %v", wait)
	}
}

func TestAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	a, now := newAttempts(), time.Now()
	for i := range 3 * maxAttempts {
		a.failed(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "x", now)
	}
	if len(a.paid) > maxAttempts {
		t.Errorf("%d attempts are remembered", len(a.paid))
	}
	x, _ := attemptsOf("2001:db8::1", "")
	y, _ := attemptsOf("2001:db8::ffff:1", "")
	if z, _ := attemptsOf("2001:db8:0:1::1", ""); x != y || x == z {
		t.Error("a network of IPv6 is not one address")
	}
}

// TestGuessersStayKnown: no crowd of addresses that guess once makes one that guesses all the time be forgotten.
func TestGuessersStayKnown(t *testing.T) {
	t.Parallel()
	now := time.Now()
	a := newAttempts()
	for range perAddress.free + 1 {
		a.failed("192.0.2.1", "alice", now)
	}
	for i := range 2 * maxAttempts {
		a.failed(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff), "alice", now)
	}
	if waitOf(a, "192.0.2.1", "alice", now) == 0 || waitOf(a, "192.0.2.1", "bob", now) == 0 {
		t.Error("the address that has guessed most has no wait any more")
	}
}

// TestGuessesAreSlowed guesses through a door, by both ways to sign in.
func TestGuessesAreSlowed(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, try := range map[string]func(http.Handler, string) (int, string){
		"basic": func(h http.Handler, password string) (int, string) {
			w := call(h, "GET", "/log_app", "", "Authorization", basicHeader("reader", password))
			return w.Code, w.Header().Get("Retry-After")
		},
		"form": func(h http.Handler, password string) (int, string) {
			w := call(h, "POST", "/_session", "name=reader&password="+password, "Content-Type", form)
			return w.Code, w.Header().Get("Retry-After")
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeCouch()
			door := newDoor(f)
			for i := range perAccount.free {
				if code, _ := try(door, "no"); code != 401 {
					t.Fatalf("%s: guess %d: %d", name, i, code)
				}
			}
			before := len(f.seen())
			code, after := try(door, "pw")
			seconds, err := strconv.Atoi(after)
			if code != 429 || err != nil || len(f.seen()) != before {
				t.Fatalf("%s: after %d guesses: %d, Retry-After %q", name, perAccount.free, code, after)
			}
			time.Sleep(time.Duration(seconds) * time.Second)
			if code, _ := try(door, "pw"); code != 200 {
				t.Errorf("%s: after Retry-After: %d", name, code)
			}
		})
	}
}

// TestGuessesBesideCookie: somebody's own session makes no guesses at another account be forgotten.
func TestGuessesBesideCookie(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCouch()
		f.accounts["other"] = "pw"
		door := newDoor(f)
		guess := func(i int, headers ...string) int {
			return call(door, "GET", "/log_app", "", append(headers, "Authorization", basicHeader("other", fmt.Sprint("guess", i)))...).Code
		}
		for i := range perAccount.free {
			if code := guess(i); code != 401 {
				t.Errorf("guess %d: %d", i, code)
			}
			if i == perAccount.free-2 {
				if code := guess(i, "Cookie", "AuthSession=good-reader"); code != 200 {
					t.Errorf("with a cookie: %d", code)
				}
			}
		}
		if code := guess(99); code != 429 {
			t.Errorf("after the free ones: %d", code)
		}
	})
}

// TestGuessesAtOnce guesses by many requests at one time: no more of them reach the store than one after another would.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, try := range map[string]func(http.Handler, string) int{
		"basic": func(h http.Handler, password string) int {
			return call(h, "GET", "/log_app", "", "Authorization", basicHeader("reader", password)).Code
		},
		"form": func(h http.Handler, password string) int {
			return call(h, "POST", "/_session", "name=reader&password="+password, "Content-Type", form).Code
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakeCouch()
			slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(100 * time.Millisecond)
				f.ServeHTTP(w, r)
			})
			door := New(Options{Upstream: slow})
			var g sync.WaitGroup
			var refused atomic.Int64
			for i := range 10 * perAccount.free {
				g.Go(func() {
					if try(door, fmt.Sprint("no", i)) == 429 {
						refused.Add(1)
					}
				})
			}
			g.Wait()
			if n := len(f.seen()); n != perAccount.free || refused.Load() != int64(9*perAccount.free) {
				t.Errorf("%s: the store was asked %d times, %d were refused", name, n, refused.Load())
			}
			if d := door.attempts; len(d.pending) > 0 {
				t.Errorf("%s: %d are under way", name, len(d.pending))
			}
		})
	}
}

// TestOwnerAtOnce signs in by many requests at one time: the owner's are all let in.
func TestOwnerAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCouch()
		door := New(Options{Upstream: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(100 * time.Millisecond)
			f.ServeHTTP(w, r)
		})})
		var g sync.WaitGroup
		for range 10 * perAccount.free {
			g.Go(func() {
				if w := call(door, "GET", "/log_app", "", "Authorization", basicHeader("reader", "pw")); w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		g.Wait()
	})
}

// TestOwnerGetsIn: credentials that were good a moment ago are no guess, whatever else comes from their address.
func TestOwnerGetsIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := newDoor(newFakeCouch())
		get := func(name, password string) int {
			return call(door, "GET", "/log_app", "", "Authorization", basicHeader(name, password)).Code
		}
		if code := get("reader", "pw"); code != 200 {
			t.Fatal(code)
		}
		for i := range 2 * perAddress.free {
			get(fmt.Sprint(i), "no")
		}
		if code := get("reader", "no"); code != 429 {
			t.Errorf("a guess: %d", code)
		}
		time.Sleep(2 * sessionTime)
		if code := get("reader", "pw"); code != 200 {
			t.Errorf("the owner: %d", code)
		}
	})
}

// TestFailuresTakeTheSameTime: the store answers at once, or after it has derived a key; the door does not tell which.
func TestFailuresTakeTheSameTime(t *testing.T) {
	t.Parallel()
	const json = "application/json"
	synctest.Test(t, func(t *testing.T) {
		for _, work := range []time.Duration{0, time.Millisecond, 240 * time.Millisecond} {
			up := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				time.Sleep(work)
				fakeError(w, 401, "unauthorized", "Name or password is incorrect.")
			})
			for _, name := range []string{"known", "app_write"} {
				door := New(Options{Upstream: up, Writer: "app_write"})
				start := time.Now()
				basic := call(door, "GET", "/log_app", "", "Authorization", basicHeader(name, "no"))
				middle := time.Now()
				login := call(door, "POST", "/_session", `{"name":"`+name+`","password":"no"}`, "Content-Type", json)
				if a, b := middle.Sub(start), time.Since(middle); a != evenTime || b != evenTime {
					t.Errorf("%s with %v of work: %v and %v, want %v", name, work, a, b, evenTime)
				}
				if basic.Body.String() != login.Body.String() || basic.Code != 401 || login.Code != 401 {
					t.Errorf("%s: %d %s, %d %s", name, basic.Code, basic.Body, login.Code, login.Body)
				}
			}
		}
	})
}
