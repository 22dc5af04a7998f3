package password

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestLockoutEnds waits until an account is open again, and counts anew then.
func TestLockoutEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLockout()
		fail := func(name string, times int) {
			for range times {
				l.Failed(name, "", "here")
			}
		}
		refused := func(name string) bool {
			_, refused := l.Locked(name, "", "here")
			return refused
		}
		fail("jan", LockoutAfter-1)
		time.Sleep(LockoutFor)
		fail("jan", 1)
		if time.Sleep(LockoutFor); !refused("jan") {
			t.Error("open before the time is over")
		}
		fail("eva", LockoutAfter-1)
		time.Sleep(time.Second)
		if refused("jan") || len(l.fails) != 1 {
			t.Errorf("refused after the time, or remembered: %v", l.fails)
		}
		time.Sleep(LockoutFor)
		if fail("eva", 1); refused("eva") {
			t.Error("failures are counted that were long ago")
		}
		fail("eva", LockoutAfter-1)
		l.Succeeded("eva", "", "there")
		if !refused("eva") {
			t.Error("opened by who knew the password elsewhere")
		}
		if l.Succeeded("eva", "", "here"); refused("eva") {
			t.Error("refused though the password was known")
		}
	})
}

// Where there is no room what is over goes first, and most of what is not stays.
func TestLockoutForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := NewLockout()
		for i := range lockoutMax - 100 {
			l.Failed(fmt.Sprint("old", i), "", "here")
		}
		time.Sleep(LockoutFor + time.Second)
		for i := range 101 {
			l.Failed(fmt.Sprint("new", i), "", "here")
		}
		if len(l.fails) != 101 {
			t.Errorf("%d failures are remembered, want 101", len(l.fails))
		}
		for i := range lockoutMax {
			l.Failed(fmt.Sprint("newer", i), "", "here")
		}
		if n := len(l.fails); n < lockoutMax*9/10 {
			t.Errorf("%d failures are remembered, want nine tenths of %d at least", n, lockoutMax)
		}
	})
}

func TestLockoutIsBounded(t *testing.T) {
	t.Parallel()
	l := NewLockout()
	for i := range 3 * lockoutMax {
		l.Failed(fmt.Sprint("name", i), "", "here")
	}
	l.Failed(strings.Repeat("x", 10_000), "", "here")
	for k := range l.fails {
		if size := len(fmt.Sprint(k)); size > 200 {
			t.Errorf("%d characters are kept of a name", size)
		}
	}
	if n := len(l.fails); n > lockoutMax {
		t.Errorf("%d failures are remembered", n)
	}
}

// TestLockoutModes tries what the settings may say, and that a new password, which has a new salt, opens an account again.
func TestLockoutModes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode          string
		after, fails  int
		over, refused bool
	}{
		{"enforce", 5, 4, false, false}, {"enforce", 5, 5, true, true}, {"enforce", 2, 2, true, true},
		{"", 5, 5, true, true}, {"warn", 5, 4, false, false}, {"warn", 5, 5, true, false},
		{"off", 5, 9, false, false}, {"nonsense", 5, 9, false, false},
	} {
		l := NewLockout()
		l.Set(c.mode, c.after)
		for range c.fails {
			l.Failed("jan", "salt", "here")
		}
		if over, refused := l.Locked("jan", "salt", "here"); over != c.over || refused != c.refused {
			t.Errorf("%+v: over %v, refused %v", c, over, refused)
		}
		for _, other := range [][3]string{{"eva", "salt", "here"}, {"jan", "new", "here"}, {"jan", "salt", "there"}} {
			if over, _ := l.Locked(other[0], other[1], other[2]); over {
				t.Errorf("%+v: over for %q, too", c, other)
			}
		}
	}
}
