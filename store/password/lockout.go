package password

import (
	"crypto/sha256"
	"sync"
	"time"
)

// What a Lockout does.
const (
	LockoutAfter = 5               // failures that close an account to an address
	LockoutFor   = 5 * time.Minute // for so long after the last one
	lockoutMax   = 10_000          // names and addresses that are remembered
)

// Lockout slows the guessing of passwords down: after five wrong ones for a name from one address, that address is
// refused that name, the right password included, for five minutes.
type Lockout struct {
	mu    sync.Mutex
	fails map[attempt]failures // guarded by mu
}

// attempt is an account and an address. The name is a hash: who has none may send long ones.
type attempt struct {
	name [sha256.Size]byte
	from string
}

func attemptOf(name, from string) attempt { return attempt{sha256.Sum256([]byte(name)), from} }

type failures struct {
	n    int
	last time.Time
}

// NewLockout has seen no failures.
func NewLockout() *Lockout { return &Lockout{fails: map[attempt]failures{}} }

// Locked tells whether no password of a name is right from an address.
func (l *Lockout) Locked(name, from string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, ok := l.fails[attemptOf(name, from)]
	if !ok {
		return false
	}
	if time.Since(f.last) > LockoutFor {
		delete(l.fails, attemptOf(name, from))
		return false
	}
	return f.n >= LockoutAfter
}

// Failed counts a wrong password.
func (l *Lockout) Failed(name, from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if len(l.fails) >= lockoutMax {
		l.shrink(now)
	}
	f := l.fails[attemptOf(name, from)]
	if now.Sub(f.last) > LockoutFor {
		f.n = 0
	}
	l.fails[attemptOf(name, from)] = failures{n: f.n + 1, last: now}
}

// Succeeded forgets the failures of a name from an address.
func (l *Lockout) Succeeded(name, from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.fails, attemptOf(name, from))
}

// shrink forgets what is over and, if that was not enough, whatever comes first: memory is bounded even against
// somebody who sends ever new names.
func (l *Lockout) shrink(now time.Time) {
	for k, f := range l.fails {
		if now.Sub(f.last) > LockoutFor {
			delete(l.fails, k)
		}
	}
	for k := range l.fails {
		if len(l.fails) < lockoutMax*9/10 {
			return
		}
		delete(l.fails, k)
	}
}
