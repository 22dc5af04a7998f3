package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	"logctl/store"
)

// secure brings a database's _security to what an app needs.
func secure(ctx context.Context, s Server, db store.DBName, app string) (Change, error) {
	before, err := s.Security(ctx, db)
	if err != nil {
		return "", err
	}
	after, changed, err := allow(before, app)
	if err != nil || !changed {
		return Unchanged, err
	}
	return Updated, s.SetSecurity(ctx, db, after)
}

// allow adds to a _security object whom an app lets in. Whoever else is in it stays, and so does every member that it does not
// know; only CouchDB's default, which lets nobody but admins read, gives way.
func allow(object json.RawMessage, app string) (after json.RawMessage, changed bool, err error) {
	security := map[string]any{}
	if err := json.Unmarshal(object, &security); err != nil {
		return nil, false, fmt.Errorf("_security is no object: %w", err)
	}
	before := map[string]any{}
	_ = json.Unmarshal(object, &before) // as it did above
	adminsOnly := map[string]any{"roles": []any{store.AdminRole}}
	if members, ok := security["members"].(map[string]any); ok && reflect.DeepEqual(members, adminsOnly) {
		security["members"] = map[string]any{}
	}
	include(security, "admins", "roles", store.AdminRole, AnalystRole, AppAnalystRole(app))
	include(security, "members", "names", Writer)
	include(security, "members", "roles", ReaderRole, AppReaderRole(app))
	if reflect.DeepEqual(before, security) {
		return object, false, nil
	}
	after, err = json.Marshal(security)
	return after, true, err
}

// sameJSON tells whether two texts are of the same JSON value.
func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// include adds names to the list security[who][kind].
func include(security map[string]any, who, kind string, names ...string) {
	group, ok := security[who].(map[string]any)
	if !ok {
		group = map[string]any{}
		security[who] = group
	}
	list, _ := group[kind].([]any)
	for _, name := range names {
		there := false
		for _, n := range list {
			there = there || n == any(name)
		}
		if !there {
			list = append(list, name)
		}
	}
	group[kind] = list
}
