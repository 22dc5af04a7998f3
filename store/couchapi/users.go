package couchapi

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/engine"
	"logctl/store/password"
)

const (
	usersDBName  = "_users"
	userIDPrefix = "org.couchdb.user:"
)

// usersRules is the validation function of the _users database, which an admin may replace as any design document.
//
//go:embed users.js
var usersRules string

const usersDesign = designPrefix + "_auth" // has usersRules

// usersDB is the _users database: one document per account, its id the prefix org.couchdb.user: and the name. It is made
// at first need.
type usersDB struct {
	engine  *engine.Engine
	designs *designCache
	rounds  int // PBKDF2 rounds of new passwords, where the settings have none

	bare     bool // as Options.Bare
	settings *settings
}

// elsewhere is the database that the settings name for the accounts, "" if none.
func (u *usersDB) elsewhere() string {
	if !u.bare {
		return ""
	}
	name, _ := u.settings.get("chttpd_auth", "authentication_db")
	return name
}

// name is the database that holds the accounts.
func (u *usersDB) name() store.DBName {
	if named := u.elsewhere(); named != "" {
		if name, err := store.ParseDBName(named); err == nil {
			return name
		}
	}
	return usersDBName
}

// is tells a database whose docs are accounts or may become some.
func (u *usersDB) is(name string) bool { return name == usersDBName || name == string(u.name()) }

// open gives the database, making it when there is none.
func (u *usersDB) open(ctx context.Context) (*engine.DB, error) {
	db, err := u.engine.DB(usersDBName)
	if !store.IsKind(err, store.KindNotFound) {
		return db, err
	}
	db, err = u.create(ctx, usersDBName)
	if store.IsKind(err, store.KindFileExists) {
		return u.engine.DB(usersDBName)
	}
	return db, err
}

// create makes a database of accounts.
func (u *usersDB) create(ctx context.Context, name store.DBName) (*engine.DB, error) {
	db, err := u.engine.Create(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := u.addRules(ctx, db); err != nil {
		return nil, err
	}
	return db, u.ensureRules(ctx)
}

// ensureRules writes the rules into the database that holds the accounts, if there is one. A database that becomes that one gets them at
// the next start or when a database of accounts is made, as in CouchDB, and not at once.
func (u *usersDB) ensureRules(ctx context.Context) error {
	db, err := u.engine.DB(u.name())
	if store.IsKind(err, store.KindNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return u.addRules(ctx, db)
}

// addRules writes the rules of user documents into a database, where there are none.
func (u *usersDB) addRules(ctx context.Context, db *engine.DB) error {
	if _, err := db.Get(usersDesign); !store.IsKind(err, store.KindNotFound) {
		return err
	}
	body := store.AppendJSONString([]byte(`{"language":"javascript","validate_doc_update":`), usersRules)
	res, err := db.Write(ctx, []store.Doc{{ID: usersDesign, Body: append(body, '}')}}, engine.WriteOptions{NewEdits: true})
	u.designs.forget(db.Instance())
	if err == nil && !store.IsKind(res[0].Err, store.KindConflict) { // somebody else has just done it
		err = res[0].Err
	}
	if err != nil {
		return fmt.Errorf("write the rules of %s: %w", db.Name(), err)
	}
	return nil
}

// state is a text that changes with every change of the database. Where it does not exist there is nobody: "".
func (u *usersDB) state() (string, error) {
	db, err := u.engine.DB(u.name())
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
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	password.Hash
	Type     string          `json:"type"`
	Password json.RawMessage `json:"password"`
}

// account reads the account of name; errNoAccount if there is none.
func (u *usersDB) account(name string) (account, error) {
	db, err := u.engine.DB(u.name())
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
	_, tree, err := db.Revs(doc.ID)
	if err != nil {
		return account{}, err
	}
	for _, r := range tree {
		if r.Leaf && !r.Deleted && r.Rev != doc.Rev {
			return account{}, errUnauthorized("User document conflicts must be resolved before the document is used for authentication purposes.")
		}
	}
	return a, nil
}

// method is how new passwords are hashed.
func (u *usersDB) method() password.Method {
	prf, _ := u.settings.get("chttpd_auth", "pbkdf2_prf")
	return password.Method{PRF: prf, Rounds: u.settings.number("chttpd_auth", "iterations", u.rounds)}
}

// caller is the account as a caller. Roles that begin with an underscore are the server's own and no document's.
func (a *account) caller() store.Caller {
	roles := slices.DeleteFunc(slices.Clone(a.Roles), func(r string) bool { return strings.HasPrefix(r, "_") })
	return store.Caller{Name: a.Name, Roles: roles}
}

// prepare replaces the password of a user document that is about to be written by a hash of it, as CouchDB's _users database does.
// That the document may be written is the database's own rule (users.js).
func (u *usersDB) prepare(x *exchange, doc *store.Doc) error {
	if doc.Deleted {
		return nil
	}
	now, err := members(doc.Body)
	if err != nil {
		return err
	}
	given := now["password"]
	if given == nil || string(given) == "null" {
		return nil
	}
	plain, ok := text(given)
	if !ok {
		return errForbidden("Password value of '" + string(given) + "' is invalid.")
	}
	if err := x.checkPassword(plain); err != nil {
		return err
	}
	body, err := u.hashed(doc.Body, plain, "")
	if err != nil {
		return err
	}
	doc.Body = body
	return nil
}

// checkPassword refuses a password that does not keep to the rules of the settings. Rules that can't be read let none pass.
func (x *exchange) checkPassword(plain string) error {
	setting, _ := x.h.settings.get("chttpd_auth", "password_regexp")
	rules, err := password.ParseRules(setting)
	if err != nil {
		x.h.o.Log.Error("no password can be set", "setting", "password_regexp", "err", err)
		return errForbidden("Server cannot hash passwords at this time.")
	}
	if reason, ok := rules.Broken(plain); !ok {
		return errBadRequest(strings.TrimSpace("Password does not conform to requirements. " + reason))
	}
	return nil
}

// renew hashes a password that was right anew, where the settings want another kind of hash than k has, as CouchDB does. The salt stays,
// which sessions are signed with: servers that replicate accounts all make the same revision of it.
func (u *usersDB) renew(ctx context.Context, k *knownAccount, plain string) error {
	if set, ok := u.settings.get("chttpd_auth", "upgrade_hash_on_auth"); k.admin || ok && set != "true" || u.method().Made(k.Hash) {
		return nil
	}
	db, err := u.engine.DB(u.name())
	if err != nil {
		return err
	}
	doc, err := db.Get(userIDPrefix + k.Name)
	if err != nil {
		return err
	}
	var now account
	if json.Unmarshal(doc.Body, &now) != nil || now.Hash != k.Hash { // it has another password by now
		return nil
	}
	if doc.Body, err = u.hashed(doc.Body, plain, k.Salt); err != nil {
		return err
	}
	doc.Ancestors = nil
	res, err := db.Write(ctx, []store.Doc{doc}, engine.WriteOptions{NewEdits: true})
	if err == nil {
		err = res[0].Err
	}
	return err
}

// hashed is body with its password replaced by a hash with a salt, a new one if it is "".
func (u *usersDB) hashed(body []byte, plain, salt string) ([]byte, error) {
	h, err := u.method().New(plain, salt)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(nil, `{"password_scheme":%q,"pbkdf2_prf":%q,"salt":%q,"iterations":%d,"derived_key":%q`,
		h.Scheme, h.PRF, h.Salt, h.Iterations, h.DerivedKey)
	return appendMembersBut(out, body, "password", "password_scheme", "pbkdf2_prf", "salt", "iterations", "derived_key",
		"password_sha")
}

// checkUserRead refuses who may not see a doc of the _users database: admins see all, others their own alone.
func (x *exchange) checkUserRead(id string) error {
	if !x.hidesUser(id) {
		return nil
	}
	if strings.HasPrefix(id, designPrefix) {
		return errForbidden("Only administrators can view design docs in the users database.")
	}
	return errNotFound("missing")
}

// hidesUser tells whether id is one of the _users database that the caller may not see.
func (x *exchange) hidesUser(id string) bool {
	return x.h.users.is(string(x.db.Name())) && !x.security.isAdmin(x.caller) && (x.caller.Name == "" || id != userIDPrefix+x.caller.Name)
}

// checkUserWrite refuses to write what a caller with a name does not see, local docs and designs of the _users database, too.
func (x *exchange) checkUserWrite(id string) error {
	if x.caller.Name != "" && x.hidesUser(id) {
		return errNotFound("missing")
	}
	return nil
}

// appendMembersBut appends to dst, a JSON object that is still open, the members of body without those named, and
// closes it.
func appendMembersBut(dst, body []byte, but ...string) ([]byte, error) {
	err := ejson.Members(body, func(key, value []byte) error {
		if slices.Contains(but, string(key)) {
			return nil
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = store.AppendJSONString(dst, key)
		dst = append(dst, ':')
		dst = append(dst, value...)
		return nil
	})
	return append(dst, '}'), err
}
