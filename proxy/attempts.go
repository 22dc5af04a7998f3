package proxy

import (
	"crypto/sha256"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"logctl/store"
)

// How fast passwords may be guessed. The store has a lock of its own for an account and an address; this one is also for those
// that have none, and for whoever tries many accounts.
var (
	perAddress = pace{free: 30, each: 10 * time.Second}
	perAccount = pace{free: 10, each: 30 * time.Second} // from one address: elsewhere the account's owner notices nothing
)

const (
	maxDebt     = 15 * time.Minute // that an address, which others may have too, can't get in beyond
	maxAttempts = 20_000           // addresses and accounts that are remembered
	evenTime    = 500 * time.Millisecond
)

// pace is how many wrong passwords are free, and how long each one costs.
type pace struct {
	free int
	each time.Duration
}

// attempts remembers wrong passwords.
type attempts struct {
	mu      sync.Mutex
	paid    map[attempt]time.Time // until when what was tried is paid off; guarded by mu
	pending map[attempt]int       // what is being tried; guarded by mu
	settled chan struct{}         // closed, and made anew, when something has been tried; guarded by mu
}

// attempt is where a password was tried, and on which account; of an address's own, no name is a zero hash.
type attempt struct {
	from netip.Addr
	name [sha256.Size]byte
}

func newAttempts() *attempts {
	return &attempts{paid: map[attempt]time.Time{}, pending: map[attempt]int{}, settled: make(chan struct{})}
}

// attemptsOf are the two places where an attempt counts. Who has one address of IPv6 has its whole /64.
func attemptsOf(client, name string) (byAddress, byAccount attempt) {
	addr, err := netip.ParseAddr(client)
	if err == nil && addr.Is6() {
		if p, err := addr.WithZone("").Prefix(64); err == nil {
			addr = p.Addr()
		}
	}
	return attempt{from: addr}, attempt{addr, sha256.Sum256([]byte(name))}
}

// begin takes a try of a password for that account, which ends by settle. wait is how long the client has to wait for one, 0 if it
// need not. While those that are under way would, if they are wrong, use up what is free, there is none yet but a channel, which
// is closed when one of them has ended: as many at once are not more in all.
func (a *attempts) begin(client, name string, now time.Time) (wait time.Duration, later <-chan struct{}) {
	byAddress, byAccount := attemptsOf(client, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := max(a.due(byAddress, perAddress, now), a.due(byAccount, perAccount, now)); wait > 0 {
		return wait, nil
	}
	if a.isFull(byAddress, perAddress, now) || a.isFull(byAccount, perAccount, now) {
		return 0, a.settled
	}
	a.pending[byAddress]++
	a.pending[byAccount]++
	return 0, nil
}

// isFull tells whether what is under way may use up what is free.
func (a *attempts) isFull(key attempt, p pace, now time.Time) bool {
	n := a.pending[key]
	return n > 0 && max(a.paid[key].Sub(now), 0)+time.Duration(n)*p.each > time.Duration(p.free-1)*p.each
}

// settle ends a try.
func (a *attempts) settle(client, name string) {
	byAddress, byAccount := attemptsOf(client, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, key := range [...]attempt{byAddress, byAccount} {
		if a.pending[key]--; a.pending[key] == 0 {
			delete(a.pending, key)
		}
	}
	close(a.settled)
	a.settled = make(chan struct{})
}

// due is how far what was tried is beyond what is free.
func (a *attempts) due(key attempt, p pace, now time.Time) time.Duration {
	until, ok := a.paid[key]
	if !ok {
		return 0
	}
	return until.Sub(now) - time.Duration(p.free-1)*p.each
}

// failed tells of a wrong password.
func (a *attempts) failed(client, name string, now time.Time) {
	byAddress, byAccount := attemptsOf(client, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.paid) >= maxAttempts-1 {
		a.shrink(now)
	}
	a.charge(byAddress, perAddress, now)
	a.charge(byAccount, perAccount, now)
}

func (a *attempts) charge(key attempt, p pace, now time.Time) {
	until := a.paid[key]
	if until.Before(now) {
		until = now
	}
	until = until.Add(p.each)
	if most := now.Add(time.Duration(p.free)*p.each + maxDebt); until.After(most) {
		until = most
	}
	a.paid[key] = until
}

// succeeded tells of a right one.
func (a *attempts) succeeded(client, name string) {
	_, byAccount := attemptsOf(client, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.paid, byAccount)
}

// shrink forgets what is paid off and, if that was not enough, those with the least to pay: memory is bounded even against somebody
// with ever new addresses and names, who makes nobody who has tried often be forgotten.
func (a *attempts) shrink(now time.Time) {
	for key, until := range a.paid {
		if !until.After(now) {
			delete(a.paid, key)
		}
	}
	dropLeast(a.paid, len(a.paid)-maxAttempts*9/10, time.Time.Compare)
}

// dropLeast takes the n least values out of a map.
func dropLeast[K comparable, V any](m map[K]V, n int, compare func(a, b V) int) {
	if n <= 0 {
		return
	}
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(a, b K) int { return compare(m[a], m[b]) })
	for _, key := range keys[:n] {
		delete(m, key)
	}
}

// guesser is the address that the visit's passwords count against; "" for the owner of this machine, who has a count of his own.
func (v *visit) guesser() string {
	if v.payer == owner {
		return ""
	}
	return v.client
}

// try waits for a turn to try a password for an account, which ends by the function that it gives; nil if there is none. The
// visit has been told so then, or its client has gone. It looks whether isKnown before it waits any longer, and takes no turn then.
func (d *Door) try(v *visit, name string, isKnown func() bool) (end func()) {
	for {
		wait, later := d.attempts.begin(v.guesser(), name, time.Now())
		switch {
		case wait > 0:
			d.tooMany(v, wait)
			return nil
		case later == nil:
			return func() { d.attempts.settle(v.guesser(), name) }
		}
		select {
		case <-later:
			if isKnown() {
				return func() {}
			}
		case <-v.r.Context().Done():
			return nil
		}
	}
}

// tooMany tells the visit that it has to wait before it may try a password.
func (d *Door) tooMany(v *visit, wait time.Duration) {
	v.hurry()
	d.counters.refused[store.KindTooManyRequests].Add(1)
	d.tellRefused(v, http.StatusTooManyRequests, store.KindTooManyRequests.Word())
	v.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	v.sendError(http.StatusTooManyRequests, store.KindTooManyRequests.Word(), "Too many attempts to sign in. Try again later.")
}

// wrong takes note of a wrong password that was tried at start, and waits so that the time of the answer does not tell whether
// the account is there: a CouchDB answers at once where it has no password to check.
func (d *Door) wrong(v *visit, name string, start time.Time) {
	d.attempts.failed(v.guesser(), name, time.Now())
	left := evenTime - time.Since(start)%evenTime
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.r.Context().Done():
	}
}
