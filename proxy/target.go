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
	route    route
	db       store.DBName // of toApp; "" where no database can have the name
	segments []string     // decoded; one that is "" ends a path with a slash
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
		t.route = toRoot
		return t, nil
	}
	segments := strings.Split(raw[1:], "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil || !plainSegment(plain) || plain == "" && i < len(segments)-1 {
			return t, errSpelling
		}
		segments[i] = plain
	}
	t.segments = segments
	t.route, t.db = routeOf(segments, raw)
	return t, nil
}

// plainSegment tells whether a decoded part of a path is one that every reader takes for the same part.
func plainSegment(s string) bool {
	if s == "." || s == ".." || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c == 0x7f, c == '/', c == '\\':
			return false
		case c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]): // encoded twice
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func routeOf(segments []string, raw string) (route, store.DBName) {
	first := segments[0]
	if first == "_utils" {
		return toUtils, ""
	}
	if len(segments) > 2 || len(segments) == 2 && segments[1] != "" {
		return toElsewhere, ""
	}
	switch first {
	case "_up":
		return toUp, ""
	case "_session":
		return toSession, ""
	}
	if !strings.HasPrefix(first, store.AppPrefix) {
		return toElsewhere, ""
	}
	db, err := store.ParseDBName(first)
	// To CouchDB a plus sign in a path is a blank, so the database is another one than it seems. The audit trail is no app's:
	// who could write there could make up what others have done.
	if _, ok := db.App(); err != nil || !ok || strings.Contains(raw, "+") || db == store.TrailDB {
		return toApp, ""
	}
	return toApp, db
}

// namesReplicate tells whether a path may lead to /_replicate at some server: it is in it as a part, decoded once or twice. No
// database, doc or attachment has that name.
func namesReplicate(path string) bool {
	for range 3 {
		for part := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '/' || c == '\\' }) {
			if part == "_replicate" {
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

// refusal is CouchDB's answer to a stranger who asks for that.
func refusal(method string, t target) error {
	reason := "You are not authorized to access this db."
	if wantsAdmin(method, t.segments) {
		reason = "You are not a server admin."
	}
	return store.NewError(store.KindUnauthorized, reason)
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
