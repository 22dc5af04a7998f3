package ca

import (
	"net/netip"
	"sync"
	"time"
)

// Limits of wrong secrets.
const (
	guessBurst   = 10              // that one address may send at once
	guessEvery   = 6 * time.Second // after which it may send another
	maxGuessers  = 10_000          // addresses that are remembered
	guessForget  = guessBurst * guessEvery
	guessV6Bits  = 64 // of an IPv6 address: one machine has all the rest
	guessV4Bits  = 32
	guessShared  = "0.0.0.0" // stands for all when too many are remembered
	minRetrySecs = 1
)

// guesses bounds how many wrong secrets one address may send.
type guesses struct {
	mu sync.Mutex
	// full is when all of an address's tries will be back.
	full map[netip.Prefix]time.Time
}

// take spends a try of an address. wait is how long it has to wait for one, if it has none. Concurrent tries are spent before
// any of them is judged, so more at once are not more in all.
func (g *guesses) take(address string, now time.Time) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.slot(address, now)
	full := g.full[p]
	if full.Before(now) {
		full = now
	}
	full = full.Add(guessEvery)
	if over := full.Sub(now) - guessForget; over > 0 {
		return over
	}
	g.full[p] = full
	return 0
}

// back gives a try back that was no wrong one.
func (g *guesses) back(address string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.slot(address, now)
	if full, ok := g.full[p]; ok {
		g.full[p] = full.Add(-guessEvery)
	}
}

// slot is what an address is remembered by.
func (g *guesses) slot(address string, now time.Time) netip.Prefix {
	if g.full == nil {
		g.full = map[netip.Prefix]time.Time{}
	}
	p := prefixOf(address)
	if _, ok := g.full[p]; ok || len(g.full) < maxGuessers {
		return p
	}
	for k, full := range g.full {
		if full.Before(now) {
			delete(g.full, k)
		}
	}
	if len(g.full) < maxGuessers {
		return p
	}
	return netip.PrefixFrom(netip.MustParseAddr(guessShared), guessV4Bits)
}

// prefixOf is the machine that an address is of, or one that stands for all addresses that are none.
func prefixOf(address string) netip.Prefix {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		addr = netip.MustParseAddr(guessShared)
	}
	addr = addr.Unmap().WithZone("")
	bits := guessV4Bits
	if addr.Is6() {
		bits = guessV6Bits
	}
	p, _ := addr.Prefix(bits) // the bits are there
	return p
}
