package engine

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestBackgroundWaits has demand while somebody writes, and looks when compactions take their steps, and how long they rest.
func TestBackgroundWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const step = 10 * time.Millisecond
		var need atomic.Int32
		var applied atomic.Uint64
		var steps atomic.Int32
		b := newBackground(func() demand { return demand(need.Load()) }, applied.Load, func(_ context.Context, rest func() error) {
			for steps.Load() > 0 {
				time.Sleep(step)
				steps.Add(-1)
				if rest() != nil {
					return
				}
			}
			need.Store(int32(demandNone))
		})
		defer b.close(newDisk(vfs.NewMem(), nil))
		write := func(d time.Duration) {
			for range d / (step / 2) {
				time.Sleep(step / 2)
				applied.Add(1)
				b.note()
			}
		}
		left := func() int { synctest.Wait(); return int(steps.Load()) }

		steps.Store(100)
		write(5 * tidyAfter)
		if n := left(); n != 100 {
			t.Errorf("without demand: %d steps", 100-n)
		}
		need.Store(int32(demandQuiet))
		write(5 * tidyAfter)
		if n := left(); n != 100 {
			t.Errorf("while somebody wrote: %d steps", 100-n)
		}
		time.Sleep(2 * tidyAfter)
		before := left()
		time.Sleep(10 * (1 + paceQuiet) * step)
		if n := before - left(); n != 10 {
			t.Errorf("when it was quiet, in the time of 10 steps: %d", n)
		}
		steps.Store(0)
		time.Sleep(tidyAfter)

		steps.Store(100)
		need.Store(int32(demandNow))
		write(3 * tidyAfter)
		if n := left(); n == 100 {
			t.Error("though much waited: no step")
		}
		before = left()
		write(10 * (1 + paceBusy) * step)
		if n := before - left(); n != 10 {
			t.Errorf("beside writes, in the time of 10 steps: %d", n)
		}
	})
}
