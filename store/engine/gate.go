package engine

import "sync/atomic"

// gate counts the calls that are inside the engine, so that Close can wait for them, and turns later ones away. A call
// that begins inside another (a read from an iteration's callback) is turned away too once the gate is closing, so
// nothing can wait for itself.
type gate struct {
	inside  atomic.Int64
	closing atomic.Bool
	idle    chan struct{} // capacity 1; told when the last call left a closing gate
}

func (g *gate) enter() bool {
	g.inside.Add(1)
	if g.closing.Load() {
		g.leave()
		return false
	}
	return true
}

func (g *gate) leave() {
	if g.inside.Add(-1) == 0 && g.closing.Load() {
		select {
		case g.idle <- struct{}{}:
		default:
		}
	}
}

// shut closes the gate and reports whether this call did it.
func (g *gate) shut() bool { return !g.closing.Swap(true) }

// drain waits until nobody is inside.
func (g *gate) drain() {
	for g.inside.Load() != 0 {
		<-g.idle
	}
}
