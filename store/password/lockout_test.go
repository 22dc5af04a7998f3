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
		l.Failed(fmt.Sprint("name", i), "here")
	}
	l.Failed(strings.Repeat("x", 10_000), "here")
	for k := range l.fails {
		if size := len(fmt.Sprint(k)); size > 200 {
			t.Errorf("%d characters are kept of a name", size)
		}
	}
	if n := len(l.fails); n > lockoutMax {
		t.Errorf("%d failures are remembered", n)
	}
}
