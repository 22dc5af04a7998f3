package admin

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// memory is a server in memory. It hashes passwords as CouchDB does.
type memory struct {
	security  map[store.DBName]string
	docs      map[string]string // of _users
	writes    int
	conflicts int
}

func newMemory() *memory {
	return &memory{security: map[store.DBName]string{}, docs: map[string]string{}}
}

func (m *memory) CreateDatabase(_ context.Context, db store.DBName) error {
	if _, ok := m.security[db]; ok {
		return store.NewError(store.KindFileExists, "The database could not be created, the file already exists.")
	}
	m.security[db] = `{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}`
	m.writes++
	return nil
}

func (m *memory) Security(_ context.Context, db store.DBName) (json.RawMessage, error) {
	if s, ok := m.security[db]; ok {
		return json.RawMessage(s), nil
	}
	return nil, store.NewError(store.KindNotFound, "Database does not exist.")
}

func (m *memory) SetSecurity(_ context.Context, db store.DBName, object json.RawMessage) error {
	m.security[db] = string(object)
	m.writes++
	return nil
}

func (m *memory) Get(_ context.Context, _ store.DBName, id string) (json.RawMessage, error) {
	if d, ok := m.docs[id]; ok {
		return json.RawMessage(d), nil
	}
	return nil, store.NewError(store.KindNotFound, "missing")
}

func (m *memory) Put(_ context.Context, _ store.DBName, id string, doc json.RawMessage) (store.Rev, error) {
	if m.conflicts > 0 {
		m.conflicts--
		return store.Rev{}, store.NewError(store.KindConflict, "Document update conflict.")
	}
	m.writes++
	var d map[string]any
	if err := json.Unmarshal(doc, &d); err != nil {
		return store.Rev{}, err
	}
	rev := store.Rev{Gen: m.writes, Hash: "a"}
	d["_rev"] = rev.String()
	if password, ok := d["password"].(string); ok {
		key, err := pbkdf2.Key(sha256.New, password, []byte("NaCl"), 10, 32)
		if err != nil {
			return store.Rev{}, err
		}
		delete(d, "password")
		maps.Copy(d, map[string]any{"password_scheme": "pbkdf2", "pbkdf2_prf": "sha256", "salt": "NaCl", "iterations": 10, "derived_key": hex.EncodeToString(key)})
	}
	text, err := json.Marshal(d)
	m.docs[id] = string(text)
	return rev, err
}

func (m *memory) Delete(_ context.Context, _ store.DBName, id string, _ store.Rev) error {
	delete(m.docs, id)
	return nil
}

func (m *memory) AllDocs(context.Context, store.DBName, store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		if len(m.security) == 0 {
			yield(store.Row{}, store.NewError(store.KindNotFound, "Database does not exist."))
			return
		}
		for _, id := range slices.Sorted(maps.Keys(m.docs)) {
			doc := []byte(m.docs[id])
			if !yield(store.Row{ID: id, Doc: doc}, nil) {
				return
			}
			clear(doc) // it holds until the next row
		}
	}
}

func TestCreateAppTwice(t *testing.T) {
	t.Parallel()
	m := newMemory()
	want := []string{
		"[{account app_write created} {database log_shop created} {permissions of log_shop updated} " +
			"{database log_shop_rejects created} {permissions of log_shop_rejects updated}]",
		"[{account app_write unchanged} {database log_shop unchanged} {permissions of log_shop unchanged} " +
			"{database log_shop_rejects unchanged} {permissions of log_shop_rejects unchanged}]",
	}
	for i, w := range want {
		steps, err := CreateApp(t.Context(), m, "shop", "secret")
		if err != nil || fmt.Sprint(steps) != w {
			t.Errorf("run %d: %v, %v; want %s", i, steps, err, w)
		}
	}
	for _, db := range []store.DBName{"log_shop", "log_shop_rejects"} {
		if got, want := m.security[db], `{"admins":{"roles":["_admin","log_analyst","log_analyst_shop"]},"members":{"names":["app_write"],"roles":["log_reader","log_reader_shop"]}}`; got != want {
			t.Errorf("_security of %s\n got %s\nwant %s", db, got, want)
		}
	}
	if _, err := CreateApp(t.Context(), m, "Shop", ""); !store.IsKind(err, store.KindIllegalName) {
		t.Errorf("a bad name: %v", err)
	}
}

func TestAllowKeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	tests := []struct{ before, after string }{
		{`{}`, `{"admins":{"roles":["_admin","log_analyst","log_analyst_a"]},"members":{"names":["app_write"],"roles":["log_reader","log_reader_a"]}}`},
		{`{"members":{"names":["bob"],"roles":["_admin","x"]},"admins":{"names":["eve"]},"note":{"a":[1]}}`,
			`{"admins":{"names":["eve"],"roles":["_admin","log_analyst","log_analyst_a"]},"members":{"names":["bob","app_write"],"roles":["_admin","x","log_reader","log_reader_a"]},"note":{"a":[1]}}`},
		{`{"members":{"roles":["log_reader_a","log_reader"],"names":["app_write"]},"admins":{"roles":["log_analyst_a","_admin","log_analyst"]}}`, ""},
	}
	for _, tt := range tests {
		after, changed, err := allow(json.RawMessage(tt.before), "a")
		if err != nil || changed != (tt.after != "") || changed && string(after) != tt.after {
			t.Errorf("allow(%s)\n got %s, %v, %v\nwant %s", tt.before, after, changed, err, tt.after)
		}
	}
	if _, _, err := allow(json.RawMessage(`[]`), "a"); err == nil {
		t.Error("an array passed")
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	m := newMemory()
	if all, err := Users(t.Context(), m); err != nil || all != nil {
		t.Errorf("without _users: %v, %v", all, err)
	}
	set := func(want Change, password string, roles ...string) {
		t.Helper()
		if got, err := SetUser(t.Context(), m, User{"alice", roles}, password); err != nil || got != want {
			t.Errorf("SetUser: %v, %v; want %v", got, err, want)
		}
	}
	if _, err := SetUser(t.Context(), m, User{Name: "alice"}, ""); !store.IsKind(err, store.KindBadRequest) {
		t.Errorf("without a password: %v", err)
	}
	m.conflicts = 1
	set(Created, "pw", "log_reader_a")
	set(Updated, "", "log_reader_b")
	set(Unchanged, "", "log_reader_a")
	set(Unchanged, "pw")
	set(Updated, "another")
	all, err := Users(t.Context(), m)
	if err != nil || fmt.Sprint(all) != "[{alice [log_reader_a log_reader_b]}]" {
		t.Errorf("Users: %v, %v", all, err)
	}
	for _, name := range []string{"", "_x", "a:b", "a\nb"} {
		if CheckUserName(name) == nil {
			t.Errorf("the name %q passed", name)
		}
	}
	if err := RemoveUser(t.Context(), m, "alice"); err != nil || len(m.docs) != 0 {
		t.Errorf("RemoveUser: %v", err)
	}
	if err := RemoveUser(t.Context(), m, "alice"); !store.IsKind(err, store.KindNotFound) || !strings.Contains(err.Error(), "alice") {
		t.Errorf("RemoveUser again: %v", err)
	}
}

func TestPasswordIs(t *testing.T) {
	t.Parallel()
	doc := func(prf, salt, key string, iterations int) string {
		return fmt.Sprintf(`{"password_scheme":"pbkdf2",%s"salt":%q,"iterations":%d,"derived_key":%q}`, prf, salt, iterations, key)
	}
	const sha = "4b007901b765489abead49d926f721d065a429c1" // RFC 6070, test 3
	tests := []struct {
		doc, password string
		want          bool
	}{
		{doc("", "salt", sha, 4096), "password", true},
		{doc(`"pbkdf2_prf":"sha",`, "salt", sha, 4096), "password", true},
		{doc("", "salt", sha, 4096), "passwore", false},
		{doc("", "salt", sha, 1_000_000_000), "password", false},
		{doc(`"pbkdf2_prf":"md5",`, "salt", sha, 4096), "password", false},
		{doc("", "salt", "", 4096), "password", false},
		{doc("", "salt", "zz", 4096), "password", false},
		{`{"password_scheme":"simple"}`, "", false},
		{``, "", false},
		// RFC 7914, section 11: PBKDF2-HMAC-SHA-256, its first 32 of 64 octets
		{doc(`"pbkdf2_prf":"sha256",`, "salt", "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc", 1), "passwd", true},
	}
	for _, tt := range tests {
		if got := passwordIs([]byte(tt.doc), tt.password); got != tt.want {
			t.Errorf("passwordIs(%s, %s) = %v", tt.doc, tt.password, got)
		}
	}
}

func TestMakeTrail(t *testing.T) {
	t.Parallel()
	m := newMemory()
	steps, err := MakeTrail(t.Context(), m)
	if err != nil || len(steps) != 2 || steps[0].Change != Created || steps[1].Change != Updated {
		t.Fatalf("%v, %v", steps, err)
	}
	if s := m.security[store.TrailDB]; strings.Contains(s, ReaderRole) || !strings.Contains(s, `"names":["app_write"]`) {
		t.Errorf("permissions %s", s)
	}
	// Nobody stays in it who was let in by hand.
	m.security[store.TrailDB] = `{}`
	if steps, err := MakeTrail(t.Context(), m); err != nil || steps[0].Change != Unchanged || steps[1].Change != Updated {
		t.Errorf("%v, %v", steps, err)
	}
	writes := m.writes
	if steps, err := MakeTrail(t.Context(), m); err != nil || steps[1].Change != Unchanged || m.writes != writes {
		t.Errorf("again: %v, %v", steps, err)
	}
}
