package couchapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"logctl/store"
	"logctl/store/password"
)

// errNoAccount says that nobody has that name.
var errNoAccount = errors.New("no such account")

const (
	maxAccounts = 10_000           // accounts kept in memory
	verifiedFor = 10 * time.Minute // how long a password that was right need not be derived again
)

// accounts tells callers by name and password. Deriving a key from a password takes a quarter of a second by design, so
// a password that was right is remembered, as an HMAC under a key that never leaves the process, until the account
// changes or the time is up.
type accounts struct {
	users    *usersDB
	admins   Admins
	settings *settings
	log      *slog.Logger
	lockout  *password.Lockout
	key      [32]byte
	deriving chan struct{} // bounds how many keys are derived at once: passwords must not starve the rest

	mu       sync.Mutex
	known    map[string]*knownAccount // guarded by mu
	admitted map[string]string        // guarded by mu; by admin, the salt of the cookies: an HMAC of the password
}

// knownAccount is an account as it was at a state of the _users database.
type knownAccount struct {
	account
	state string // of the database, or what the settings hold
	admin bool   // a server admin of the settings

	mac   [sha256.Size]byte // of the password that was right, guarded by accounts.mu
	until time.Time         // guarded by accounts.mu
}

func newAccounts(users *usersDB, admins Admins, s *settings, log *slog.Logger) *accounts {
	a := &accounts{
		users: users, admins: admins, settings: s, log: log, lockout: password.NewLockout(),
		deriving: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		known:    map[string]*knownAccount{},
		admitted: map[string]string{},
	}
	rand.Read(a.key[:]) // never fails
	return a
}

// login is the caller that a name and a password tell. from is where the request comes from: too many failures from one
// place close the account to it for a while.
func (a *accounts) login(ctx context.Context, name, plain, from string) (store.Caller, error) {
	k, missing := a.find(name)
	salt := "" // a new password has a new one, and is not locked out for the old one
	if missing == nil {
		salt = k.Salt
	}
	over, refused := a.lockout.Locked(name, salt, from)
	if refused {
		return store.Caller{}, errForbidden("Account is temporarily locked due to multiple authentication failures")
	} else if over {
		a.log.Warn("too many wrong passwords for an account", "from", from)
	}
	caller, err := a.verify(ctx, name, plain, k, missing)
	switch {
	case errors.Is(err, errNoAccount):
		a.lockout.Failed(name, salt, from)
		return store.Caller{}, errUnauthorized("Name or password is incorrect.")
	case err != nil:
		return store.Caller{}, err
	}
	a.lockout.Succeeded(name, salt, from)
	return caller, nil
}

// verify is login where the account is k, or missing is why there is none.
func (a *accounts) verify(ctx context.Context, name, plain string, k *knownAccount, missing error) (store.Caller, error) {
	m := hmac.New(sha256.New, a.key[:])
	m.Write([]byte(plain))
	var mac [sha256.Size]byte
	m.Sum(mac[:0])

	if a.admins != nil && a.admins.Verify(name, plain) {
		a.mu.Lock()
		a.admitted[name] = string(mac[:])
		a.mu.Unlock()
		return adminCaller(name), nil
	}
	if errors.Is(missing, errNoAccount) {
		empty := a.users.method().Empty()
		a.derive(&empty, plain) // so that the time of the answer does not tell
	}
	if missing != nil {
		return store.Caller{}, missing
	}
	a.mu.Lock()
	ok := hmac.Equal(mac[:], k.mac[:]) && time.Now().Before(k.until)
	a.mu.Unlock()
	if ok {
		return k.caller(), nil
	}
	if !a.derive(&k.Hash, plain) {
		return store.Caller{}, errNoAccount
	}
	a.mu.Lock()
	k.mac, k.until = mac, time.Now().Add(verifiedFor)
	a.mu.Unlock()
	if err := a.users.renew(ctx, k, plain); err != nil && !store.IsKind(err, store.KindConflict) {
		a.log.Warn("the hash of a password stays as it is", "err", err)
	}
	return k.caller(), nil
}

// derive tells whether a password is the one that was hashed, which takes long by design.
func (a *accounts) derive(h *password.Hash, plain string) bool {
	a.deriving <- struct{}{}
	defer func() { <-a.deriving }()
	return h.Matches(plain)
}

// session is the salt that signs the cookies of name, and its caller.
func (a *accounts) session(name string) (string, store.Caller, error) {
	a.mu.Lock()
	salt, ok := a.admitted[name]
	a.mu.Unlock()
	if ok {
		return salt, adminCaller(name), nil
	}
	k, err := a.find(name)
	if err != nil {
		return "", store.Caller{}, err
	}
	return k.Salt, k.caller(), nil
}

// find is the account of name, read again whenever the _users database has changed.
func (a *accounts) find(name string) (*knownAccount, error) {
	if k := a.findAdmin(name); k != nil {
		return k, nil
	}
	state, err := a.users.state()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	k := a.known[name]
	a.mu.Unlock()
	if k != nil && !k.admin && k.state == state {
		return k, nil
	}
	acc, err := a.users.account(name)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	fresh := &knownAccount{account: acc, state: state}
	if k != nil && !k.admin && k.Hash == acc.Hash { // somebody else's document has changed
		fresh.mac, fresh.until = k.mac, k.until
	}
	if len(a.known) >= maxAccounts {
		clear(a.known)
	}
	a.known[name] = fresh
	return fresh, nil
}

func adminCaller(name string) store.Caller {
	return store.Caller{Name: name, Roles: []string{store.AdminRole}}
}
