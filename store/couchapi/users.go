package couchapi

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/engine"
)

const (
	usersDBName  = "_users"
	userIDPrefix = "org.couchdb.user:"
	saltBytes    = 16
	maxRounds    = 10_000_000 // of a stored hash that is believed: more would let a document stop the server
)

// usersDB is the _users database: one document per account, its id the prefix org.couchdb.user: and the name. It is made
// at first need.
type usersDB struct {
	engine *engine.Engine
	rounds int // PBKDF2 rounds of new passwords
}

// open gives the database, making it when there is none.
func (u *usersDB) open(ctx context.Context) (*engine.DB, error) {
	db, err := u.engine.DB(usersDBName)
	if !store.IsKind(err, store.KindNotFound) {
		return db, err
	}
	db, err = u.engine.Create(ctx, usersDBName)
	if store.IsKind(err, store.KindFileExists) {
		return u.engine.DB(usersDBName)
	}
	return db, err
}

// state is a text that changes with every change of the database. Where it does not exist there is nobody: "".
func (u *usersDB) state() (string, error) {
	db, err := u.engine.DB(usersDBName)
	if store.IsKind(err, store.KindNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return db.Instance() + strconv.FormatUint(db.Stats().UpdateSeq, 10), nil
}

// account is what a user document says, as CouchDB writes it.
type account struct {
	Name       string          `json:"name"`
	Roles      []string        `json:"roles"`
	Scheme     string          `json:"password_scheme"`
	PRF        string          `json:"pbkdf2_prf"`
	Salt       string          `json:"salt"`
	Iterations int             `json:"iterations"`
	DerivedKey string          `json:"derived_key"`
	SHA        string          `json:"password_sha"`
	Type       string          `json:"type"`
	Password   json.RawMessage `json:"password"`
}

// account reads the account of name; errNoAccount if there is none.
func (u *usersDB) account(name string) (account, error) {
	db, err := u.engine.DB(usersDBName)
	if store.IsKind(err, store.KindNotFound) {
		return account{}, errNoAccount
	}
	if err != nil {
		return account{}, err
	}
	doc, err := db.Get(userIDPrefix + name)
	if store.IsKind(err, store.KindNotFound) {
		return account{}, errNoAccount
	}
	if err != nil {
		return account{}, err
	}
	var a account
	if json.Unmarshal(doc.Body, &a) != nil || a.Name != name || name == "" {
		return account{}, errNoAccount
	}
	return a, nil
}

// caller is the account as a caller. Roles that begin with an underscore are the server's own and no document's.
func (a *account) caller() store.Caller {
	roles := slices.DeleteFunc(slices.Clone(a.Roles), func(r string) bool { return strings.HasPrefix(r, "_") })
	return store.Caller{Name: a.Name, Roles: roles}
}

// sameSecret tells that both have the same password.
func (a *account) sameSecret(b account) bool {
	return a.Scheme == b.Scheme && a.PRF == b.PRF && a.Salt == b.Salt && a.Iterations == b.Iterations &&
		a.DerivedKey == b.DerivedKey && a.SHA == b.SHA
}

// matches tells whether password is the account's. It takes long by design.
func (a *account) matches(password string) bool {
	switch a.Scheme {
	case "pbkdf2":
		want, err := hex.DecodeString(a.DerivedKey)
		if err != nil || len(want) == 0 || a.Iterations < 1 || a.Iterations > maxRounds {
			return false
		}
		newHash, ok := prf(a.PRF)
		if !ok {
			return false
		}
		got, err := pbkdf2.Key(newHash, password, []byte(a.Salt), a.Iterations, len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	case "simple":
		sum := sha1.Sum([]byte(password + a.Salt))
		return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(a.SHA)) == 1
	}
	return false
}

// prf is the hash that a document's pbkdf2_prf names; documents of CouchDB before 3.4 have none and mean SHA-1.
func prf(name string) (func() hash.Hash, bool) {
	switch name {
	case "", "sha":
		return sha1.New, true
	case "sha224":
		return sha256.New224, true
	case "sha256":
		return sha256.New, true
	case "sha384":
		return sha512.New384, true
	case "sha512":
		return sha512.New, true
	}
	return nil, false
}

// prepare checks a user document that is about to be written and replaces its password by a hash of it, as CouchDB's
// _users database does. old is the document that it replaces, nil if there is none.
func (u *usersDB) prepare(x *exchange, doc *store.Doc, old []byte) error {
	if strings.HasPrefix(doc.ID, "_design/") {
		return nil
	}
	var before account
	if old != nil {
		if err := json.Unmarshal(old, &before); err != nil {
			return fmt.Errorf("read user document %q: %w", doc.ID, err)
		}
	}
	if err := checkUserDoc(x.caller, x.security.isAdmin(x.caller), doc, before, old != nil); err != nil {
		return err
	}
	if doc.Deleted {
		return nil
	}
	var now struct {
		Password *string `json:"password"`
	}
	if err := json.Unmarshal(doc.Body, &now); err != nil {
		return errForbidden("Password needs to be a string")
	}
	if now.Password == nil {
		return nil
	}
	body, err := u.hashed(doc.Body, *now.Password)
	if err != nil {
		return err
	}
	doc.Body = body
	return nil
}

// hashed is body with its password replaced by a salted hash.
func (u *usersDB) hashed(body []byte, password string) ([]byte, error) {
	var raw [saltBytes]byte
	rand.Read(raw[:]) // never fails
	salt := hex.EncodeToString(raw[:])
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), u.rounds, sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("hash a password: %w", err)
	}
	out := fmt.Appendf(nil, `{"password_scheme":"pbkdf2","pbkdf2_prf":"sha256","salt":%q,"iterations":%d,"derived_key":"%x"`,
		salt, u.rounds, key)
	return appendMembersBut(out, body, "password", "password_scheme", "pbkdf2_prf", "salt", "iterations", "derived_key",
		"password_sha")
}
