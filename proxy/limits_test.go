package proxy

import (
	"fmt"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"logctl/store/intake"
)

func TestParseLimits(t *testing.T) {
	t.Parallel()
	l, err := ParseLimits([]string{"body=16M", " doc = 64K", "requests=5", "per-address=1", "memory=1G"})
	if want := (Limits{Body: 16 << 20, Doc: 64 << 10, Requests: 5, PerAddress: 1, Memory: 1 << 30}); err != nil || l != want {
		t.Errorf("%+v, %v", l, err)
	}
	for _, s := range []string{"", "x=1", "body", "body=", "body=0", "body=-1", "body=1.5", "body=K", "body=1KB", "body=9223372036854775807K"} {
		if _, err := ParseLimits([]string{s}); err == nil {
			t.Errorf("%q passes", s)
		}
	}
	if got, want := (Limits{Docs: 7}).orDefault(), DefaultLimits(); got.Docs != 7 || got.Body != want.Body || got.Memory != want.Memory {
		t.Errorf("%+v", got)
	}
}

func FuzzParseLimits(f *testing.F) {
	f.Add("body=16M")
	f.Add("=K")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLimits([]string{s})
		if err != nil {
			return
		}
		for _, f := range l.fields() {
			if *f.value < 0 {
				t.Errorf("%q makes %s %d", s, f.name, *f.value)
			}
		}
	})
}

func TestClientOf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ a, b string }{
		{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:1"}, {"fe80::1%eth0", "fe80::2"}, {"no address", "neither"},
	} {
		if payerOf(tt.a) != payerOf(tt.b) {
			t.Errorf("%s and %s differ", tt.a, tt.b)
		}
	}
	for _, tt := range []struct{ a, b string }{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}} {
		if payerOf(tt.a) == payerOf(tt.b) {
			t.Errorf("%s and %s are one", tt.a, tt.b)
		}
	}
}

// TestRates counts requests and bytes against the clock.
func TestRates(t *testing.T) {
	t.Parallel()
	r := newRates(10, 1000)
	now := time.Unix(1e9, 0)
	loud, quiet := payerOf("192.0.2.1"), payerOf("192.0.2.2")
	passed := 0
	for range 100 {
		if r.request(loud, now) == nil {
			passed++
		}
	}
	if passed != 21 { // what two seconds give, and the one that goes beyond
		t.Errorf("%d requests at once", passed)
	}
	err := r.request(loud, now)
	if after := retryAfter(err); after != 1 {
		t.Errorf("%v, to be tried again after %d s", err, after)
	}
	if err := r.request(quiet, now); err != nil {
		t.Errorf("another client: %v", err)
	}
	now = now.Add(time.Second)
	passed = 0
	for range 100 {
		if r.request(loud, now) == nil {
			passed++
		}
	}
	if passed != 10 {
		t.Errorf("%d requests a second later", passed)
	}
	r.add(quiet, 12_000, now)
	if after := retryAfter(r.request(quiet, now)); after != 10 {
		t.Errorf("after a large body: %d s", after)
	}
	if err := r.request(quiet, now.Add(10*time.Second)); err != nil {
		t.Errorf("ten seconds later: %v", err)
	}
}

// setBack is a time as time.Now gives it when the clock has been set back by so many seconds: its monotonic part goes on.
func setBack(now time.Time, seconds uint64) time.Time {
	*(*uint64)(unsafe.Pointer(&now)) -= seconds << 30 // the seconds stand above the nanoseconds in its first field
	return now
}

// TestRatesWhenTheClockIsSetBack: nobody waits for the clock to be again where it was.
func TestRatesWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	r := newRates(10, 1000)
	now := time.Now()
	c := payerOf("192.0.2.1")
	if err := r.request(c, now); err != nil {
		t.Fatal(err)
	}
	r.add(c, 10, now)
	back := setBack(now.Add(time.Second), 3600)
	if back.Unix() != now.Unix()-3599 || back.Sub(now) != time.Second {
		t.Fatalf("the clock is not set back: %v, then %v", now, back)
	}
	if err := r.request(c, back); err != nil {
		t.Error(err)
	}
	r.add(c, 10, back)
	if err := r.request(c, setBack(now.Add(2*time.Second), 7200)); err != nil {
		t.Error(err)
	}
	q := quiet{every: time.Minute}
	if !q.may(now) || q.may(back) || !q.may(setBack(now.Add(time.Minute), 3600)) {
		t.Error("quiet waits for the clock")
	}
}

// TestRatesForget: however many clients there are, few are remembered, first of all those who do something.
func TestRatesForget(t *testing.T) {
	t.Parallel()
	r := newRates(1, 1000)
	now := time.Unix(1e9, 0)
	addr := func(i int) client {
		return clientOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	for i := range 3 * maxClients {
		if err := r.request(addr(i), now); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.spent) > maxClients {
		t.Errorf("%d clients are remembered", len(r.spent))
	}
	now = now.Add(time.Minute)
	for range 3 {
		_ = r.request(addr(1), now)
	}
	for i := range maxClients {
		_ = r.request(addr(i), now)
	}
	if r.request(addr(1), now) == nil {
		t.Error("the one that does most was forgotten")
	}
}

// TestRatesKeepTheLoudest: no crowd makes one that has used up its due be forgotten.
func TestRatesKeepTheLoudest(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newRates(10, 1<<20)
	loud := client{name: "loud"}
	for r.request(loud, now) == nil {
	}
	for i := range 2 * maxClients {
		if err := r.request(client{name: strconv.Itoa(i)}, now); err != nil {
			t.Fatal(err)
		}
	}
	if r.request(loud, now) == nil {
		t.Error("the loudest is forgotten")
	}
}

// TestDoorLimits refuses with the status, the word and the time that a limit has.
func TestDoorLimits(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: newFakeCouch(), AsWriter: BasicWriter("app_write", func() []byte { return []byte("w") }),
		Trusted: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")},
		Limits:  Limits{Fields: 5, Depth: 3, Requests: 2, Bytes: 1000}})
	post := func(from, body string) *httptest.ResponseRecorder {
		r := newRequest("POST", "/log_app", body, "Content-Type", jsonType, "X-Forwarded-For", from)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, r)
		return w
	}
	for i, tt := range []struct {
		body   string
		status int
		word   string
	}{
		{`{"a":{"b":{}},"c":1}`, 201, ""}, {`{"a":{"b":{"c":{}}}}`, 413, "document_too_large"}, {`{"a":[[[[]]]]}`, 413, "document_too_large"},
		{`{"a":1,"b":2,"c":3,"d":4,"e":5}`, 201, ""}, {`{"a":1,"b":2,"c":3,"d":{"e":5,"f":6}}`, 413, "document_too_large"},
		{`[{"a":1},{"a":1,"b":2,"c":3,"d":4,"e":5,"f":1}]`, 413, "document_too_large"},
		{`[{"a":[[]]},{"a":1}]`, 201, ""}, {`[{"a":[[[]]]}]`, 413, "document_too_large"}, {strings.Repeat("[", 200) + strings.Repeat("]", 200), 400, "bad_request"},
	} {
		w := post(fmt.Sprintf("198.51.100.%d", i), tt.body)
		if tt.status == 201 {
			if w.Code != 201 {
				t.Errorf("%s: %d %s", tt.body, w.Code, w.Body)
			}
		} else if word, _ := errorOf(t, w); w.Code != tt.status || word != tt.word {
			t.Errorf("%s: %d %s, want %d %s", tt.body, w.Code, word, tt.status, tt.word)
		}
	}
	last := 0
	for i := range 10 {
		w := post(fmt.Sprintf("2001:db8::%d", i), `{"a":1}`)
		if last = w.Code; last == 429 {
			if word, _ := errorOf(t, w); word != "too_many_requests" || w.Header().Get("Retry-After") != "1" {
				t.Errorf("%s, %v", w.Body, w.Header())
			}
			break
		}
	}
	if last != 429 {
		t.Errorf("ten addresses of one network in a moment: %d", last)
	}
	if w := post("203.0.113.9", `{"a":"`+strings.Repeat("x", 30_000)+`"}`); w.Code != 201 {
		t.Errorf("a body: %d", w.Code)
	}
	if w := post("203.0.113.9", `{}`); w.Code != 429 || len(w.Header().Get("Retry-After")) != 2 {
		t.Errorf("after a large body: %d, %v", w.Code, w.Header())
	}
	if w := post("203.0.113.10", `{}`); w.Code != 201 {
		t.Errorf("a neighbour: %d %s", w.Code, w.Body)
	}
}

// TestTurnsGoRound: one who wants much holds nobody up for longer than one turn.
func TestTurnsGoRound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, 100, 1000, time.Hour)
		loud, quiet, other := payerOf("192.0.2.1"), payerOf("192.0.2.2"), payerOf("192.0.2.3")
		if err := turns.take(t.Context(), loud); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(c client, name string) {
			go func() {
				if err := turns.take(t.Context(), c); err != nil {
					t.Error(err)
				}
				order = append(order, name)
				turns.give()
			}()
			synctest.Wait()
		}
		for range 5 {
			wait(loud, "loud")
		}
		wait(quiet, "quiet")
		wait(quiet, "quiet")
		wait(other, "other")
		turns.give()
		synctest.Wait()
		if got, want := strings.Join(order, " "), "loud quiet other loud quiet loud loud loud"; got != want {
			t.Errorf("in the order %s, want %s", got, want)
		}
		if turns.free != 1 || turns.waiting != 0 || len(turns.lines) != 0 || len(turns.round) != 0 {
			t.Errorf("left behind: %+v", turns)
		}
	})
}

// TestTurnsEnd: lines have an end, waiting too, and no turn is lost over it.
func TestTurnsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1, 2, 3, 10*time.Second)
		a, b := payerOf("192.0.2.1"), payerOf("192.0.2.2")
		if err := turns.take(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 10)
		for _, c := range []client{a, a, b} {
			go func() { errs <- turns.take(t.Context(), c) }()
			synctest.Wait()
		}
		for _, c := range []client{a, b} { // over its own, over all
			if err := turns.take(t.Context(), c); err != intake.ErrBusy {
				t.Errorf("a line that is full: %v", err)
			}
		}
		for range 3 {
			if err := <-errs; err != intake.ErrBusy {
				t.Errorf("after ten seconds: %v", err)
			}
		}
		turns.give()
		if turns.free != 1 || turns.waiting != 0 || len(turns.lines) != 0 || len(turns.round) != 0 {
			t.Errorf("left behind: %+v", turns)
		}
	})
}

// TestOwnerIsNotKeptOut: what comes over the network from this machine, however much, keeps nobody out who comes by its socket.
func TestOwnerIsNotKeptOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		door := New(Options{Upstream: newFakeCouch(), Limits: Limits{Requests: 20}})
		ask := func(from, user, password string) int {
			r := newRequest("GET", "/log_app", "")
			r.RemoteAddr = from
			r.SetBasicAuth(user, password)
			w := httptest.NewRecorder()
			door.ServeHTTP(w, r)
			return w.Code
		}
		last := 0
		for range 40 {
			last = ask("127.0.0.1:9", "reader", "guess")
		}
		if last != 429 {
			t.Errorf("after forty guesses: %d", last)
		}
		for _, socket := range []string{"@", ""} {
			for range 100 {
				if code := ask(socket, "reader", "pw"); code != 200 {
					t.Fatalf("by the socket %q: %d", socket, code)
				}
			}
		}
		for range 100 { // at once
			last = ask("127.0.0.1:9", "reader", "pw")
		}
		if last != 429 {
			t.Errorf("after a hundred requests: %d", last)
		}
		for range 40 {
			last = ask("@", "other", "guess")
		}
		if last != 429 {
			t.Errorf("after forty guesses by the socket: %d", last)
		}
	})
}
