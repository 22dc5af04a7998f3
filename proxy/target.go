package proxy

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"logctl/store"
)

// target is what a request's path leads to, after one decoding.
type target struct {
	db        store.DBName // of an app's database; "" where no database can have the name
	app       string       // whose database it is, also for its rejects
	isApp     bool         // the path begins with what looks like an app's database
	segments  []string     // decoded; one that is "" ends a path with a slash
	parts     []string     // segments without the slash behind the first one
	plain     bool         // every reader reads it in this way
	plus      bool         // but for a plus sign in the name of an app's database, which is a blank to CouchDB
	replicate bool         // it may lead to /_replicate at some server
	rewrite   bool         // and so to a rewrite
}

// errSpelling refuses a stranger's path that has more than one reading. It tells nothing but how the path is spelled.
var errSpelling = store.NewError(store.KindBadRequest, "The path is not in its plain form.")

// overrides are headers that make some servers see another method than the one that was sent.
var overrides = [...]string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"}

// parseTarget reads where r leads. The error, for targets in a form that another reader might understand in another way, is of
// KindBadRequest.
func parseTarget(r *http.Request) (target, error) {
	var t target
	raw := r.URL.EscapedPath()
	if r.URL.IsAbs() || r.URL.Host != "" || r.URL.Opaque != "" || raw == "" || raw[0] != '/' {
		return t, errSpelling
	}
	if raw == "/" {
		t.plain, t.parts = true, rootParts
		return t, nil
	}
	segments := strings.Split(raw[1:], "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		inDoc := i > 0 && strings.HasPrefix(segments[0], store.AppPrefix) // whose id may hold a slash
		if err != nil || !plainSegment(plain, inDoc) || plain == "" && i < len(segments)-1 {
			return t, errSpelling
		}
		segments[i] = plain
	}
	t.plain, t.segments, t.parts = true, segments, segments
	if len(segments) == 2 && segments[1] == "" && segments[0] != "_utils" {
		t.parts = segments[:1]
	}
	dbPart, _, _ := strings.Cut(raw[1:], "/")
	t.plus = strings.Contains(dbPart, "+")
	t.db, t.app, t.isApp = appOf(segments[0], t.plus)
	return t, nil
}

// rootParts are the parts of the path "/".
var rootParts = []string{""}

// plainSegment tells whether a decoded part of a path is one that every reader takes for the same part. One of a doc's id may
// hold slashes, and no parts between them that a reader leaves out.
func plainSegment(s string, inDoc bool) bool {
	if s == "." || s == ".." || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == 0x7f, c == '\\', c == '/' && !inDoc:
			return false
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]): // encoded twice
			return false
		}
	}
	if inDoc && strings.Contains(s, "/") {
		for part := range strings.SplitSeq(s, "/") {
			if part == "" || part[0] == '.' || part[0] == '_' {
				return false
			}
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// appOf reads the first part of a path as an app's database. plus: it was sent with a plus sign.
func appOf(first string, plus bool) (db store.DBName, app string, isApp bool) {
	if !strings.HasPrefix(first, store.AppPrefix) {
		return "", "", false
	}
	db, err := store.ParseDBName(first)
	app, ok := db.App()
	// To CouchDB a plus sign in a path is a blank, so the database is another one than it seems. The audit trail is no app's:
	// who could write there could make up what others have done.
	if err != nil || !ok || plus || db == store.TrailDB {
		return "", "", true
	}
	if of, ok := db.RejectsOf(); ok {
		app = of
	}
	return db, app, true
}

// findRoutes finds the routes in a path that lead to what nothing else in it says.
func (t *target) findRoutes(path string) {
	t.replicate, t.rewrite = namesRoute(path, "_replicate"), namesRoute(path, "_rewrite")
}

// namesRoute tells whether a path may lead to a route at some server: it is in it as a part, decoded once or twice. No database, doc or
// attachment has a name that begins with an underscore.
func namesRoute(path, route string) bool {
	for range 3 {
		for part := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '/' || c == '\\' }) {
			if part == route {
				return true
			}
		}
		plain, err := url.PathUnescape(path)
		if err != nil {
			break
		}
		path = plain
	}
	return false
}

// dbPath is the path of a database, escaped, with what follows it.
func dbPath(db store.DBName, rest string) string {
	return "/" + strings.ReplaceAll(strings.ReplaceAll(string(db), "/", "%2F"), "+", "%2B") + rest
}

// refusal is the answer to somebody who may not do that; it is CouchDB's own where it has one. It does not depend on what there is.
func (v *visit) refusal() error {
	switch {
	case v.who&holder != 0:
		return store.NewError(store.KindForbidden, "You may not do that with this token or certificate.")
	case wantsAdmin(v.r.Method, v.to.segments):
		return store.NewError(store.KindUnauthorized, "You are not a server admin.")
	case v.who&(reader|analyst) != 0:
		return store.NewError(store.KindForbidden, "You may not do that to this app.")
	}
	return store.NewError(store.KindUnauthorized, "You are not authorized to access this db.")
}

// wantsAdmin tells requests that CouchDB keeps for server admins: those to the server itself, making and deleting databases,
// and listing accounts.
func wantsAdmin(method string, segments []string) bool {
	if len(segments) == 0 {
		return false
	}
	first, rest := segments[0], segments[1:]
	switch {
	case first == "_users":
		return len(rest) > 0 && (rest[0] == "_all_docs" || rest[0] == "_changes")
	case first == "_replicator", first == "_global_changes":
		return false
	case strings.HasPrefix(first, "_"):
		return true
	case len(rest) == 0 || rest[0] == "":
		return method == http.MethodPut || method == http.MethodDelete
	}
	return rest[0] == "_purge"
}
