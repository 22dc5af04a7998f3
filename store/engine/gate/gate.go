// Package gate counts the calls that are inside something that closes, so that its end can wait for them.
package gate

import "sync/atomic"

// Gate turns calls away once it is shut. A call that begins inside another (a read from an iteration's callback) is turned away
// too once the gate is shut, so nothing can wait for itself.
type Gate struct {
	inside  atomic.Int64
	closing atomic.Bool
	idle    chan struct{} // capacity 1; told when the last call left a closing gate
}

// New is an open gate.
func New() *Gate { return &Gate{idle: make(chan struct{}, 1)} }

// Enter lets a call in, which ends with Leave, or reports that the gate is shut.
func (g *Gate) Enter() bool {
	g.inside.Add(1)
	if g.closing.Load() {
		g.Leave()
		return false
	}
	return true
}

// Stay lets somebody in on behalf of who is inside already, shut or not. It ends with a Leave of its own.
func (g *Gate) Stay() { g.inside.Add(1) }

// Leave ends a call.
func (g *Gate) Leave() {
	if g.inside.Add(-1) == 0 && g.closing.Load() {
		select {
		case g.idle <- struct{}{}:
		default:
		}
	}
}

// Shut shuts the gate and reports whether this call did it.
func (g *Gate) Shut() bool { return !g.closing.Swap(true) }

// IsShut tells whether Shut was called.
func (g *Gate) IsShut() bool { return g.closing.Load() }

// Drain waits until nobody is inside.
func (g *Gate) Drain() {
	for g.inside.Load() != 0 {
		<-g.idle
	}
}
