// Package growth tells in tests whether the time that something takes grows with its size or with the square of it. It compares times of
// one run, since what they are depends on the machine and on what else that does.
package growth

import (
	"testing"
	"time"
)

// factor is how much larger the large size is: a square takes its square.
const factor = 16

// Linear fails the test if run takes for the size large much more than sixteen times as long as for a sixteenth of it. run is called
// several times with either.
func Linear(t testing.TB, large int, run func(size int)) {
	t.Helper()
	const atMost = factor * 6 // 256 would be a square
	least := func(size, times int) time.Duration {
		shortest := time.Duration(1<<63 - 1)
		for range times {
			start := time.Now()
			run(size)
			shortest = min(shortest, time.Since(start))
		}
		return max(shortest, 1)
	}
	var short, long time.Duration
	for range 3 {
		short, long = least(large/factor, 5), least(large, 1)
		if long/short < atMost {
			return
		}
	}
	t.Errorf("%v for a size of %d, %v for one of %d", long, large, short, large/factor)
}
