package proxy

import (
	"net/url"
	"slices"
	"strings"
)

// who is a set of kinds of callers, as they stand towards what a request's path names.
type who uint8

const (
	anonymous who = 1 << iota // nobody that the door or the store knows, where no tenant owns what is asked for
	holder                    // of an app token or of a client certificate, for whatever
	writer                    // a holder who may write the app
	reading                   // a holder who may read the app
	account                   // somebody the store knows, who has no role of ours for the app; what they may do is for the store to decide
	reader                    // an account that may read the app
	analyst                   // an account that may also change the app's docs and design documents
	admin                     // a server admin
)

// queryRule is which query parameters a rule takes, each once, with blanks between their names.
type queryRule string

const (
	noQuery  queryRule = ""  // none at all, not even an empty one
	anyQuery queryRule = "*" // whatever there is; of a stranger's the store sees nothing

	docQuery  queryRule = "rev revs revs_info open_revs latest conflicts deleted_conflicts meta local_seq attachments att_encoding_info atts_since"
	viewQuery queryRule = "key keys startkey start_key endkey end_key startkey_docid start_key_doc_id endkey_docid end_key_doc_id " +
		"inclusive_end descending skip limit group group_level reduce include_docs conflicts attachments att_encoding_info " +
		"update stale stable update_seq sorted"
	feedQuery queryRule = "feed since last-event-id limit descending heartbeat timeout style include_docs conflicts attachments " +
		"att_encoding_info seq_interval filter doc_ids view" // filter only with one of CouchDB's own; see Door.read
)

// bodyRule is what a request's body may be.
type bodyRule uint8

const (
	noBody    bodyRule = iota // it is neither read nor handed on
	loginBody                 // a form or a JSON object with name and password
	docsBody                  // a JSON object, an array of them or one on each line; see parser.checkDoc for what is in one
	askBody                   // JSON that asks for something, written anew
	anyBody                   // handed on as it is
)

// rule allows callers one kind of request and says what the door does then. The methods are separated by blanks; "*" is any.
// In a path {app} is an app's database, {doc} any one part that does not begin with an underscore, * any one part, ** whatever
// follows, "~_replicate" everything that may lead to /_replicate, "~_rewrite" to a rewrite.
type rule struct {
	who     who
	methods string
	path    string
	query   queryRule
	body    bodyRule
	do      func(*Door, *visit) error
}

// policy is all that goes through the door; the first row that fits counts, and what none fits is refused. It takes no batch=ok
// from a stranger: CouchDB answers that before the doc is on disk, and whoever lost docs that way would have been told that
// they were stored.
var policy = [...]rule{
	// Logs come in. Nobody who may only read changes anything but by a stranger's right.
	{anonymous | writer | reader | analyst, "POST", "/{app}", noQuery, docsBody, (*Door).write},
	{account | admin, "POST", "/{app}", noQuery, docsBody, (*Door).writeOwn},

	// What a page to sign in needs, and a client that wants to know where it is.
	{anonymous | holder, "GET HEAD", "/", anyQuery, noBody, (*Door).welcome},
	{anonymous | holder, "GET HEAD", "/_up", anyQuery, noBody, (*Door).up},
	{anonymous, "GET HEAD", "/_session", "basic", noBody, (*Door).nobody},
	{holder, "GET HEAD", "/_session", "basic", noBody, (*Door).self},
	{anonymous | account | admin, "POST", "/_session", anyQuery, loginBody, (*Door).login},
	{anonymous, "DELETE", "/_session", anyQuery, noBody, (*Door).logout},
	{anonymous | holder, "GET HEAD", "/_utils/**", anyQuery, noBody, (*Door).page},

	// Holders read. Nothing here runs a function that sees the request: the store gets it with the writer's password. So there is
	// no _show, no _list, no _rewrite, and no filter of a design document's.
	{reading, "GET HEAD", "/{app}", noQuery, noBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_all_docs", viewQuery, noBody, (*Door).read},
	{reading, "POST", "/{app}/_all_docs", viewQuery, askBody, (*Door).read},
	{reading, "POST", "/{app}/_all_docs/queries", noQuery, askBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_design_docs", viewQuery, noBody, (*Door).read},
	{reading, "POST", "/{app}/_design_docs", viewQuery, askBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_changes", feedQuery, noBody, (*Door).read},
	{reading, "POST", "/{app}/_changes", feedQuery, askBody, (*Door).read},
	{reading, "POST", "/{app}/_find", noQuery, askBody, (*Door).read},
	{reading, "POST", "/{app}/_explain", noQuery, askBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_index", noQuery, noBody, (*Door).read},
	{reading, "POST", "/{app}/_bulk_get", "revs latest attachments", askBody, (*Door).read},
	{reading, "POST", "/{app}/_revs_diff", noQuery, askBody, (*Door).read},
	{reading, "POST", "/{app}/_missing_revs", noQuery, askBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_design/*", docQuery, noBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_design/*/_info", noQuery, noBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/_design/*/_view/*", viewQuery, noBody, (*Door).read},
	{reading, "POST", "/{app}/_design/*/_view/*", viewQuery, askBody, (*Door).read},
	{reading, "POST", "/{app}/_design/*/_view/*/queries", noQuery, askBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/{doc}", docQuery, noBody, (*Door).read},
	{reading, "GET HEAD", "/{app}/{doc}/{doc}", "rev", noBody, (*Door).read},

	// What the door has counted.
	{admin, "GET HEAD", "/metrics", noQuery, noBody, (*Door).metrics},

	// Nobody but an admin has the server make requests of its own.
	{account | reader | analyst | admin, "*", "~_replicate", anyQuery, anyBody, (*Door).replicate},

	// Accounts that read: with their own credentials, so that the store decides, too. A rewrite may turn a GET into anything.
	{reader | analyst, "GET HEAD", "/{app}", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD", "/{app}/*", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD", "/{app}/*/*", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD", "/{app}/{doc}/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD", "/{app}/_design/*/{doc}/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD", "/{app}/_design/*/_info", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_design/*/_view/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_design/*/_show/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_design/*/_list/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_design/*/_search/*", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_design/*/_nouveau/*", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_partition/*/_all_docs", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_partition/*/_find", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_partition/*/_explain", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "GET HEAD POST", "/{app}/_partition/*/_design/*/_view/*", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_all_docs/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_design_docs/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_local_docs/**", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_changes", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_find", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_explain", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_bulk_get", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_revs_diff", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_missing_revs", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "POST", "/{app}/_ensure_full_commit", anyQuery, anyBody, (*Door).pass},
	{reader | analyst, "PUT", "/{app}/_local/*", anyQuery, anyBody, (*Door).pass}, // how far a replication is

	// Analysts change docs and design documents of their apps, and neither who may do so nor what CouchDB forgets.
	{analyst, "POST", "/{app}/_bulk_docs", anyQuery, anyBody, (*Door).pass},
	{analyst, "PUT DELETE COPY", "/{app}/{doc}", anyQuery, anyBody, (*Door).pass},
	{analyst, "PUT DELETE", "/{app}/{doc}/**", anyQuery, anyBody, (*Door).pass},
	{analyst, "PUT DELETE COPY", "/{app}/_design/*", anyQuery, anyBody, (*Door).pass},
	{analyst, "PUT DELETE", "/{app}/_design/*/{doc}", anyQuery, anyBody, (*Door).pass},
	{analyst, "POST PUT", "/{app}/_design/*/_update/**", anyQuery, anyBody, (*Door).pass},
	{analyst, "POST", "/{app}/_index/**", anyQuery, anyBody, (*Door).pass},
	{analyst, "DELETE", "/{app}/_index/**", anyQuery, anyBody, (*Door).pass},
	{analyst, "POST", "/{app}/_view_cleanup", anyQuery, anyBody, (*Door).pass},
	{analyst, "DELETE", "/{app}/_local/*", anyQuery, anyBody, (*Door).pass},

	// What a rewrite does says a design document, which in an app may be an analyst's.
	{account | admin, "*", "~_rewrite", anyQuery, anyBody, (*Door).rewrite},

	// Everybody else whom the store knows is the store's business.
	{account | admin, "*", "**", anyQuery, anyBody, (*Door).pass},
}

// patterns are the paths of the policy, taken apart.
var patterns = func() (all [len(policy)][]string) {
	for i := range policy {
		all[i] = strings.Split(strings.TrimPrefix(policy[i].path, "/"), "/")
	}
	return all
}()

// judge finds the first rule that allows the request; nil if there is none.
func judge(v *visit) *rule {
	for i := range policy {
		r := &policy[i]
		if r.who&v.who != 0 && r.takesMethod(v.r.Method) && v.to.fits(patterns[i]) && r.query.takes(v.r.URL) {
			return r
		}
	}
	return nil
}

func (r *rule) takesMethod(method string) bool {
	if r.methods == "*" || r.methods == method {
		return true
	}
	for m := range strings.FieldsSeq(r.methods) {
		if m == method {
			return true
		}
	}
	return false
}

// fits tells whether a path is one of a pattern's.
func (t *target) fits(pattern []string) bool {
	switch pattern[0] {
	case "~_replicate":
		return t.replicate
	case "~_rewrite":
		return t.rewrite
	}
	parts := t.parts
	for i, want := range pattern {
		if want == "**" {
			return t.plain || i == 0
		}
		if i == len(parts) || !t.fitsPart(i, want) {
			return false
		}
	}
	return t.plain && len(pattern) == len(parts)
}

func (t *target) fitsPart(i int, want string) bool {
	switch part := t.parts[i]; want {
	case "{app}":
		return t.isApp
	case "{doc}":
		return part != "" && part[0] != '_'
	case "*":
		return part != ""
	default:
		return part == want
	}
}

// takes tells whether a query is one that the rule takes.
func (q queryRule) takes(u *url.URL) bool {
	switch {
	case q == anyQuery:
		return true
	case u.RawQuery == "" && (!u.ForceQuery || q != noQuery):
		return true
	case q == noQuery:
		return false
	}
	_, ok := q.read(u.RawQuery)
	return ok
}

// parameter is one of a query's, decoded.
type parameter struct{ name, value string }

// read takes a query apart; false if a parameter is not among the rule's, comes twice, or can be read in two ways.
func (q queryRule) read(raw string) (list []parameter, ok bool) {
	for part := range strings.SplitSeq(raw, "&") {
		name, text, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(text)
		seen := slices.ContainsFunc(list, func(p parameter) bool { return p.name == name })
		if err != nil || seen || strings.Contains(text, ";") || !q.names(name) {
			return nil, false
		}
		list = append(list, parameter{name, value})
	}
	return list, true
}

func (q queryRule) names(name string) bool {
	for n := range strings.FieldsSeq(string(q)) {
		if n == name {
			return true
		}
	}
	return false
}
