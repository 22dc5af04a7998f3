// Package admin is what an admin does to a store: prepare an app, give people the right to read, take it away.
//
// An app is two databases, log_<app> and log_<app>_rejects for lines that became no docs, whose _security lets these in: the
// service account app_write, through which the door writes for those who have no account and reads for tokens; readers of every app
// (role log_reader) or of this one (log_reader_<app>); analysts (log_analyst, log_analyst_<app>), who are admins of the
// database to CouchDB. The door keeps readers from writing and analysts from changing permissions. Accounts are documents of
// _users, app tokens documents of the database logctl.
//
// Everything may be done again at any time: what is there already stays as it is, whatever else was added to it.
package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"logctl/store"
)

// Server is the store; *couch.Client is one.
type Server interface {
	CreateDatabase(ctx context.Context, db store.DBName) error
	Security(ctx context.Context, db store.DBName) (json.RawMessage, error)
	SetSecurity(ctx context.Context, db store.DBName, object json.RawMessage) error
	Get(ctx context.Context, db store.DBName, id string) (json.RawMessage, error)
	Put(ctx context.Context, db store.DBName, id string, doc json.RawMessage) (store.Rev, error)
	Delete(ctx context.Context, db store.DBName, id string, rev store.Rev) error
	AllDocs(ctx context.Context, db store.DBName, q store.ViewQuery) iter.Seq2[store.Row, error]
}

const (
	// Writer is the account that the door writes as.
	Writer = "app_write"
	// ReaderRole lets an account read every app.
	ReaderRole = "log_reader"
	// AnalystRole lets an account read every app and change its docs and design documents.
	AnalystRole = "log_analyst"

	users = store.DBName("_users")
)

// AppReaderRole lets an account read one app.
func AppReaderRole(app string) string { return ReaderRole + "_" + app }

// AppAnalystRole lets an account do the same with one app.
func AppAnalystRole(app string) string { return AnalystRole + "_" + app }

// Change is what became of a thing.
type Change string

// The changes.
const (
	Created   Change = "created"
	Updated   Change = "updated"
	Unchanged Change = "unchanged"
)

// Step is one thing that had to be there.
type Step struct {
	What   string
	Change Change
}

// CreateApp makes an app's databases and lets its readers and the writer in; with a password for the account app_write, as a
// CouchDB needs it, that account too. On an error the steps tell what was done before it.
func CreateApp(ctx context.Context, s Server, app, writerPassword string) ([]Step, error) {
	db, err := store.AppDB(app)
	if err != nil {
		return nil, err
	}
	rejects, err := store.RejectsDB(app)
	if err != nil {
		return nil, err
	}
	var steps []Step
	add := func(what string, change Change, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		steps = append(steps, Step{what, change})
		return nil
	}
	if writerPassword != "" {
		change, err := SetUser(ctx, s, User{Name: Writer}, writerPassword)
		if err := add("account "+Writer, change, err); err != nil {
			return steps, err
		}
	}
	for _, db := range []store.DBName{db, rejects} {
		change, err := createDatabase(ctx, s, db)
		if err := add("database "+string(db), change, err); err != nil {
			return steps, err
		}
		change, err = secure(ctx, s, db, app)
		if err := add("permissions of "+string(db), change, err); err != nil {
			return steps, err
		}
	}
	return steps, nil
}

// MakeTrail makes the database of the audit trail, which the door writes to and only server admins may read.
func MakeTrail(ctx context.Context, s Server) ([]Step, error) {
	change, err := createDatabase(ctx, s, store.TrailDB)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", store.TrailDB, err)
	}
	steps := []Step{{"database " + string(store.TrailDB), change}}
	before, err := s.Security(ctx, store.TrailDB)
	if err != nil {
		return steps, fmt.Errorf("permissions of %s: %w", store.TrailDB, err)
	}
	after, err := json.Marshal(map[string]any{
		"admins":  map[string]any{"roles": []string{store.AdminRole}},
		"members": map[string]any{"names": []string{Writer}, "roles": []string{store.AdminRole}},
	})
	if err != nil {
		return steps, fmt.Errorf("permissions of %s: %w", store.TrailDB, err)
	}
	change = Unchanged
	if !sameJSON(before, after) {
		change = Updated
		if err := s.SetSecurity(ctx, store.TrailDB, after); err != nil {
			return steps, fmt.Errorf("permissions of %s: %w", store.TrailDB, err)
		}
	}
	return append(steps, Step{"permissions of " + string(store.TrailDB), change}), nil
}

// PermitApp lets an app's readers, analysts and the writer into its databases: CreateApp has done so, but of an app of an earlier version.
// KindNotFound if there is no such app.
func PermitApp(ctx context.Context, s Server, app string) error {
	db, err := store.AppDB(app)
	if err != nil {
		return err
	}
	if _, err := secure(ctx, s, db, app); err != nil {
		return noApp(err, app)
	}
	rejects, err := store.RejectsDB(app)
	if err == nil {
		_, err = secure(ctx, s, rejects, app)
	}
	if store.IsKind(err, store.KindNotFound) { // an app of a version that had none
		return nil
	}
	return err
}

func noApp(err error, app string) error {
	if !store.IsKind(err, store.KindNotFound) {
		return err
	}
	return &store.Error{Kind: store.KindNotFound, Reason: "there is no app " + app, Hint: "logctl app create " + app}
}

func createDatabase(ctx context.Context, s Server, db store.DBName) (Change, error) {
	err := s.CreateDatabase(ctx, db)
	if store.IsKind(err, store.KindFileExists) {
		return Unchanged, nil
	}
	return Created, err
}
