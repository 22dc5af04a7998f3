package password

import (
	"cmp"
	"crypto/sha256"
	"sync"
	"time"
)

// What a Lockout does.
const (
	LockoutAfter = 5               // failures that close an account to an address, if nothing else is set
	LockoutFor   = 5 * time.Minute // for so long after the last one
	lockoutMax   = 10_000          // names and addresses that are remembered
)

// Lockout slows the guessing of passwords down: after five wrong ones for an account from one address, that address is
// refused that account, the right password included, for five minutes.
type Lockout struct {
	mu    sync.Mutex
	fails map[attempt]failures // guarded by mu
	mode  string               // guarded by mu
	after int                  // guarded by mu
}

// attempt is an account and an address. The account is a hash: who has none may send long names.
type attempt struct {
	account [sha256.Size]byte
	from    string
}

// attemptOf tells an account with another salt, whose password has changed, from the one before.
func attemptOf(name, salt, from string) attempt {
	return attempt{sha256.Sum256([]byte(name + "\x00" + salt)), from}
}

type failures struct {
	n    int
	last time.Time
}

// NewLockout has seen no failures.
func NewLockout() *Lockout {
	return &Lockout{fails: map[attempt]failures{}, mode: "enforce", after: LockoutAfter}
}

// Set says after how many failures to do what, as CouchDB's settings chttpd_auth_lockout: "enforce" or "", "warn", which counts and
// refuses nobody, or anything else for neither.
func (l *Lockout) Set(mode string, after int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mode, l.after = cmp.Or(mode, "enforce"), after
}

// Locked tells whether an account has seen too many wrong passwords from an address, and whether none is right from there therefore.
func (l *Lockout) Locked(name, salt, from string) (over, refused bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.fails[attemptOf(name, salt, from)]
	if time.Since(f.last) > LockoutFor {
		delete(l.fails, attemptOf(name, salt, from))
		return false, false
	}
	over = f.n >= l.after && (l.mode == "enforce" || l.mode == "warn")
	return over, over && l.mode == "enforce"
}

// Failed counts a wrong password.
func (l *Lockout) Failed(name, salt, from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mode != "enforce" && l.mode != "warn" {
		return
	}
	now := time.Now()
	if len(l.fails) >= lockoutMax {
		l.shrink(now)
	}
	a := attemptOf(name, salt, from)
	f := l.fails[a]
	if now.Sub(f.last) > LockoutFor {
		f.n = 0
	}
	l.fails[a] = failures{n: f.n + 1, last: now}
}

// Succeeded forgets the failures of an account from an address.
func (l *Lockout) Succeeded(name, salt, from string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.fails, attemptOf(name, salt, from))
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
