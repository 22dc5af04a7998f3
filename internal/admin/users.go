package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"logctl/store"
)

const userPrefix = "org.couchdb.user:"

// User is an account.
type User struct {
	Name  string
	Roles []string
}

// CheckUserName tells what is wrong with the name of an account.
func CheckUserName(name string) error {
	bad := func(r rune) bool { return r == ':' || !unicode.IsPrint(r) }
	switch {
	case name == "":
		return store.NewError(store.KindBadRequest, "an account needs a name")
	case strings.HasPrefix(name, "_"):
		return store.NewError(store.KindBadRequest, "the name of an account must not begin with _")
	case strings.ContainsFunc(name, bad):
		return store.NewError(store.KindBadRequest, "the name of an account must not hold a colon or what can't be printed")
	}
	return nil
}

// minPassword is how many characters a password has at least, as NIST SP 800-63B asks for.
const minPassword = 8

// CheckPassword tells what is wrong with a new password that somebody has chosen; none is for SetUser to judge.
func CheckPassword(password string) error {
	if n := utf8.RuneCountInString(password); n > 0 && n < minPassword {
		return &store.Error{Kind: store.KindBadRequest, Reason: fmt.Sprintf("a password has %d characters or more", minPassword),
			Hint: "some words, or what a machine makes up: openssl rand -hex 16"}
	}
	return nil
}

// SetUser makes the account, or adds to the roles of the one that is there and sets its password. An empty password leaves an
// account's as it is; a new account needs one. An account that has the roles and the password already is not written.
func SetUser(ctx context.Context, s Server, u User, password string) (Change, error) {
	if err := CheckUserName(u.Name); err != nil {
		return "", err
	}
	if _, err := createDatabase(ctx, s, users); err != nil {
		return "", err
	}
	change, err := setUser(ctx, s, u, password)
	if store.IsKind(err, store.KindConflict) {
		change, err = setUser(ctx, s, u, password)
	}
	return change, err
}

func setUser(ctx context.Context, s Server, u User, password string) (Change, error) {
	id := userPrefix + u.Name
	raw, err := s.Get(ctx, users, id)
	doc, change := map[string]any{}, Updated
	switch {
	case store.IsKind(err, store.KindNotFound):
		if password == "" {
			return "", store.NewError(store.KindBadRequest, "a new account needs a password")
		}
		doc, change = map[string]any{"_id": id, "name": u.Name, "type": "user", "roles": []any{}}, Created
	case err != nil:
		return "", err
	default:
		if err := json.Unmarshal(raw, &doc); err != nil {
			return "", fmt.Errorf("account %s: %w", u.Name, err)
		}
	}
	roles, _ := doc["roles"].([]any)
	wanted := roles
	for _, r := range u.Roles {
		if !slices.Contains(wanted, any(r)) {
			wanted = append(wanted, r)
		}
	}
	newPassword := password != "" && !passwordIs(raw, password)
	if change == Updated && !newPassword && reflect.DeepEqual(roles, wanted) {
		return Unchanged, nil
	}
	if wanted == nil {
		wanted = []any{}
	}
	doc["roles"] = wanted
	if newPassword {
		doc["password"] = password
	}
	body, err := json.Marshal(doc)
	if err != nil {
		return "", fmt.Errorf("account %s: %w", u.Name, err)
	}
	_, err = s.Put(ctx, users, id, body)
	return change, err
}

// Users are the accounts, sorted by name. Where there is no _users database there are none.
func Users(ctx context.Context, s Server) ([]User, error) {
	q := store.NewViewQuery()
	q.StartKey, q.EndKey = json.RawMessage(`"org.couchdb.user:"`), json.RawMessage(`"org.couchdb.user;"`)
	q.ExclusiveEnd, q.IncludeDocs = true, true
	var all []User
	for row, err := range s.AllDocs(ctx, users, q) {
		if store.IsKind(err, store.KindNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		var doc struct{ Roles []string }
		if err := json.Unmarshal(row.Doc, &doc); err != nil {
			return nil, fmt.Errorf("account %s: %w", row.ID, err)
		}
		all = append(all, User{Name: strings.TrimPrefix(row.ID, userPrefix), Roles: doc.Roles})
	}
	return all, nil
}

// RemoveUser removes an account; KindNotFound if there is none.
func RemoveUser(ctx context.Context, s Server, name string) error {
	raw, err := s.Get(ctx, users, userPrefix+name)
	if store.IsKind(err, store.KindNotFound) {
		return &store.Error{Kind: store.KindNotFound, Reason: "there is no account " + name, Hint: "logctl user list"}
	}
	if err != nil {
		return err
	}
	var doc struct {
		Rev string `json:"_rev"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	rev, err := store.ParseRev(doc.Rev)
	if err != nil {
		return fmt.Errorf("account %s: %w", name, err)
	}
	return s.Delete(ctx, users, userPrefix+name, rev)
}
