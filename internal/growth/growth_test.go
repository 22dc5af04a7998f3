package growth

import (
	"testing"
	"testing/synctest"
	"time"
)

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestLinear(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		took   func(size int) int // microseconds
		failed bool
	}{
		"nothing":     {func(int) int { return 0 }, false},
		"a constant":  {func(int) int { return 5 }, false},
		"its size":    {func(size int) int { return size }, false},
		"its square":  {func(size int) int { return size * size }, true},
		"thrice more": {func(size int) int { return size + 2*size*(size/1600) }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := &recorder{TB: t}
			if Linear(r, 1600, func(size int) { time.Sleep(time.Duration(c.took(size)) * time.Microsecond) }); r.failed != c.failed {
				t.Errorf("%s: failed %v", name, r.failed)
			}
		})
	}
}
