package gate

import (
	"testing"
	"testing/synctest"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New()
		if !g.Enter() || g.IsShut() {
			t.Error("an open gate lets nobody in")
		}
		g.Stay()
		if !g.Shut() || g.Shut() || !g.IsShut() || g.Enter() {
			t.Error("a gate is not shut, and once")
		}
		drained := false
		go func() { g.Drain(); drained = true }()
		for range 2 {
			if synctest.Wait(); drained {
				t.Error("it does not wait for who is inside")
			}
			g.Leave()
		}
		if synctest.Wait(); !drained {
			t.Error("it waits when nobody is inside")
		}
	})
}
