package password

import (
	"fmt"
	"strings"
	"testing"
)

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
