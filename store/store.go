// Package store is the vocabulary that both stores and everything above them share: names of databases and apps, docs as
// bytes, revisions, view queries and rows, callers, and errors with their kinds.
//
// The embedded store (engine, view, couchapi) and an Apache CouchDB behave alike; nothing in this package knows which
// of the two is behind. A doc is always its bytes: nobody decodes one into Go values on its way.
package store

import (
	"fmt"
	"strings"
)

// AppPrefix is what an app's database name begins with.
const AppPrefix = "log_"

// DBName is the name of a database that CouchDB would accept.
type DBName string

// maxDBName is CouchDB's limit (a file name less the shard suffix).
const maxDBName = 238

// ParseDBName checks s against CouchDB's rule: a lower case letter, then lower case letters, digits and _ $ ( ) + - /.
// The system databases _users, _replicator and _global_changes pass too. The error is of KindIllegalName.
func ParseDBName(s string) (DBName, error) {
	switch s {
	case "_users", "_replicator", "_global_changes":
		return DBName(s), nil
	}
	if len(s) > maxDBName {
		return "", NewError(KindIllegalName, fmt.Sprintf("Name: '%s'. Database name is too long: at most %d bytes.", s, maxDBName))
	}
	if !legalDBName(s) {
		return "", NewError(KindIllegalName, "Name: '"+s+"'. Only lowercase characters (a-z), digits (0-9), and any of the "+
			"characters _, $, (, ), +, -, and / are allowed. Must begin with a letter.")
	}
	return DBName(s), nil
}

func legalDBName(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z':
		case i > 0 && (c >= '0' && c <= '9' || strings.IndexByte("_$()+-/", c) >= 0):
		default:
			return false
		}
	}
	return s != ""
}

// AppDB is the database of an app: "fail2ban" gives "log_fail2ban".
func AppDB(app string) (DBName, error) {
	if app == "" {
		return "", NewError(KindIllegalName, "an app needs a name")
	}
	return ParseDBName(AppPrefix + app)
}

// App is the app whose database n is, and whether it is one's.
func (n DBName) App() (string, bool) {
	app, ok := strings.CutPrefix(string(n), AppPrefix)
	return app, ok && app != ""
}

// TrailDB keeps who did what at a door. It is the database of no app: the door writes to it, and only admins may do so besides.
const TrailDB DBName = "log_logctl_audit"

// rejectsSuffix is what the name of a database of rejects ends in.
const rejectsSuffix = "_rejects"

// RejectsDB is the database of an app's rejects, the lines that became no docs: "fail2ban" gives "log_fail2ban_rejects".
func RejectsDB(app string) (DBName, error) {
	if app == "" {
		return "", NewError(KindIllegalName, "an app needs a name")
	}
	return ParseDBName(AppPrefix + app + rejectsSuffix)
}

// RejectsOf is the app whose rejects n keeps, and whether it keeps one's.
func (n DBName) RejectsOf() (string, bool) {
	app, _ := n.App()
	app, ok := strings.CutSuffix(app, rejectsSuffix)
	return app, ok && app != ""
}
