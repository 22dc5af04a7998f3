package couchapi

import (
	"logctl/store"
	"logctl/store/password"
)

// The section "admins" of the settings holds server admins beside those of Options.Admins: a name with a password, which is
// kept as CouchDB keeps it, "-pbkdf2:sha256-<key>,<salt>,<rounds>".

const adminsSection = "admins"

// hashAdmin is a password as the settings keep it; one that is hashed already stays.
func hashAdmin(plain string, m password.Method) (string, error) {
	if _, ok := password.Parse(plain); ok {
		return plain, nil
	}
	if plain == "" {
		return "", errBadRequest("The password must not be empty.")
	}
	h, err := m.New(plain, "")
	return h.Text(), err
}

// findAdmin is the account of a server admin of the settings, nil if there is none.
func (a *accounts) findAdmin(name string) *knownAccount {
	stored, ok := a.settings.get(adminsSection, name)
	if !ok {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if k := a.known[name]; k != nil && k.admin && k.state == stored {
		return k
	}
	h, ok := password.Parse(stored)
	if !ok {
		return nil
	}
	k := &knownAccount{account: account{Name: name, Hash: h}, state: stored, admin: true}
	if len(a.known) >= maxAccounts {
		clear(a.known)
	}
	a.known[name] = k
	return k
}

// caller is the account as a caller.
func (k *knownAccount) caller() store.Caller {
	if k.admin {
		return adminCaller(k.Name)
	}
	return k.account.caller()
}
