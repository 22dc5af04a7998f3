package proxy

import (
	"crypto/sha256"
	"net/http"
	"net/netip"
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
	mu   sync.Mutex
	paid map[attempt]time.Time // until when what was tried is paid off; guarded by mu
}

// attempt is where a password was tried, and on which account; of an address's own, no name is a zero hash.
type attempt struct {
	from netip.Addr
	name [sha256.Size]byte
}

func newAttempts() *attempts { return &attempts{paid: map[attempt]time.Time{}} }

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

// wait is how long the client has to wait before it may try a password for that account; 0 if it need not.
func (a *attempts) wait(client, name string, now time.Time) time.Duration {
	byAddress, byAccount := attemptsOf(client, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(a.due(byAddress, perAddress, now), a.due(byAccount, perAccount, now), 0)
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

// shrink forgets what is paid off and, if that was not enough, whatever comes first: memory is bounded even against somebody
// with ever new addresses and names.
func (a *attempts) shrink(now time.Time) {
	for key, until := range a.paid {
		if !until.After(now) {
			delete(a.paid, key)
		}
	}
	for key := range a.paid {
		if len(a.paid) < maxAttempts*9/10 {
			return
		}
		delete(a.paid, key)
	}
}

// mayTry tells whether the visit may try a password for an account. If not, it has been told so.
func (d *Door) mayTry(v *visit, name string) bool {
	wait := d.attempts.wait(v.client, name, time.Now())
	if wait == 0 {
		return true
	}
	v.hurry()
	d.counters.refused[store.KindTooManyRequests].Add(1)
	d.tellRefused(v, http.StatusTooManyRequests, store.KindTooManyRequests.Word())
	v.w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	v.sendError(http.StatusTooManyRequests, store.KindTooManyRequests.Word(), "Too many attempts to sign in. Try again later.")
	return false
}

// wrong takes note of a wrong password that was tried at start, and waits so that the time of the answer does not tell whether
// the account is there: a CouchDB answers at once where it has no password to check.
func (d *Door) wrong(v *visit, name string, start time.Time) {
	d.attempts.failed(v.client, name, time.Now())
	left := evenTime - time.Since(start)%evenTime
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-v.r.Context().Done():
	}
}
