package couchapi

import (
	"encoding/json"
	"slices"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// checkUserDoc is the validation function that CouchDB's _design/_auth holds, with its words.
func checkUserDoc(c store.Caller, dbAdmin bool, doc *store.Doc, old account, exists bool) error {
	if doc.Deleted {
		if !dbAdmin && (!exists || old.Name != c.Name || c.Name == "") {
			return errForbidden("Only admins may delete other user docs.")
		}
		return nil
	}
	now, err := readUserDoc(doc)
	if err != nil {
		return err
	}
	if exists && old.Name != now.Name {
		return errForbidden("Usernames can not be changed.")
	}
	if !dbAdmin {
		if exists && now.Name != c.Name {
			return errForbidden("You may only update your own user document.")
		}
		if !exists && len(now.Roles) > 0 {
			return errForbidden("Only _admin may set roles")
		}
		if exists && !sameRoles(old.Roles, now.Roles) {
			return errForbidden("Only _admin may edit roles")
		}
	}
	for _, role := range now.Roles {
		if strings.HasPrefix(role, "_") {
			return errForbidden("No system roles (starting with underscore) in users db.")
		}
	}
	if strings.HasPrefix(now.Name, "_") {
		return errForbidden("Username may not start with underscore.")
	}
	if strings.Contains(now.Name, ":") {
		return errForbidden("Character `:` is not allowed in usernames.")
	}
	return nil
}

// readUserDoc checks the shape of a user document.
func readUserDoc(doc *store.Doc) (account, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(doc.Body, &m); err != nil {
		return account{}, errBadRequest(reasonBadJSON)
	}
	var a account
	if json.Unmarshal(m["type"], &a.Type) != nil || a.Type != "user" {
		return a, errForbidden("doc.type must be user")
	}
	if json.Unmarshal(m["name"], &a.Name) != nil || a.Name == "" {
		return a, errForbidden("doc.name is required")
	}
	roles, ok := m["roles"]
	if !ok || string(roles) == "null" {
		return a, errForbidden("doc.roles must exist")
	}
	var list []json.RawMessage
	if json.Unmarshal(roles, &list) != nil {
		return a, errForbidden("doc.roles must be an array")
	}
	if json.Unmarshal(roles, &a.Roles) != nil {
		return a, errForbidden("doc.roles can only contain strings")
	}
	if doc.ID != userIDPrefix+a.Name {
		return a, errForbidden("Doc ID must be of the form org.couchdb.user:name")
	}
	var scheme string
	if raw, ok := m["password_scheme"]; ok && json.Unmarshal(raw, &scheme) == nil && scheme == "pbkdf2" && m["password"] == nil {
		var n json.Number
		if json.Unmarshal(m["iterations"], &n) != nil {
			return a, errForbidden("iterations must be a number.")
		}
		var key string
		if json.Unmarshal(m["derived_key"], &key) != nil {
			return a, errForbidden("derived_key must be a string.")
		}
	}
	return a, nil
}

func sameRoles(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// mayRead tells whether the caller may see a doc of the _users database: one's own, or all for its admins.
func (u *usersDB) mayRead(x *exchange, id string) bool {
	return x.security.isAdmin(x.caller) || strings.HasPrefix(id, "_design/") ||
		x.caller.Name != "" && id == userIDPrefix+x.caller.Name
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
