package audit

import "strings"

// kind is what a route would do if it were let through.
type kind uint8

const (
	reads   kind = iota // shows what is in the database
	serves              // shows something of the server, or makes it do something
	changes             // changes something
	invalid             // would change something, but is asked for in a form that only the store can refuse
	notes               // keeps a reader's place, as replications do
	writes              // adds a doc
	open                // is everybody's
)

// route is one thing that CouchDB can be asked for. In path, query and body these stand for something of the run: {db}, {doc}
// and {rev} for the canary, {new} for a name that nothing has, {made} for the revision that an answer told.
type route struct {
	method, path, query, body string
	kind                      kind
	what                      string
	undo                      *route // takes back, in the same spelling, what was let through
}

// ofDocs tells whether the route changes docs or design documents of the database, and not more.
func (r *route) ofDocs() bool {
	const db = "/{db}/"
	switch rest, ok := strings.CutPrefix(r.path, db); rest {
	case "_purge", "_compact", "_sync_shards":
		return false
	default:
		return ok
	}
}

const anything = `{"selector":{"_id":{"$gt":null}}}`

// routes are CouchDB 3.5's.
var routes = []route{
	{method: "GET", path: "/", kind: open, what: "welcome"},
	{method: "GET", path: "/_up", kind: open, what: "health"},
	{method: "GET", path: "/_session", kind: open, what: "who am I"},
	{method: "GET", path: "/_utils/", kind: open, what: "web interface"},
	{method: "POST", path: "/{db}", body: `{"audit":"{new}"}`, kind: writes, what: "write a doc"},

	{method: "GET", path: "/{db}", kind: reads, what: "how many docs there are"},
	{method: "HEAD", path: "/{db}", kind: reads, what: "whether it is there"},
	{method: "GET", path: "/{db}/{doc}", kind: reads, what: "a doc"},
	{method: "HEAD", path: "/{db}/{doc}", kind: reads, what: "a doc's revision"},
	{method: "GET", path: "/{db}/{doc}", query: "open_revs=all&revs=true", kind: reads, what: "a doc's history"},
	{method: "GET", path: "/{db}/{doc}/attachment", kind: reads, what: "an attachment"},
	{method: "GET", path: "/{db}/_all_docs", query: "include_docs=true", kind: reads, what: "all docs"},
	{method: "POST", path: "/{db}/_all_docs", query: "include_docs=true", body: `{"keys":["{doc}"]}`, kind: reads, what: "docs by id"},
	{method: "POST", path: "/{db}/_all_docs/queries", body: `{"queries":[{"include_docs":true}]}`, kind: reads, what: "several lists of docs"},
	{method: "GET", path: "/{db}/_changes", query: "include_docs=true", kind: reads, what: "changes"},
	{method: "POST", path: "/{db}/_changes", query: "include_docs=true", body: `{}`, kind: reads, what: "changes"},
	{method: "GET", path: "/{db}/_changes", query: "feed=continuous&include_docs=true&timeout=1000", kind: reads, what: "changes as they come"},
	{method: "GET", path: "/{db}/_changes", query: "feed=eventsource&include_docs=true&timeout=1000", kind: reads, what: "changes as they come"},
	{method: "POST", path: "/{db}/_find", body: anything, kind: reads, what: "Mango query"},
	{method: "POST", path: "/{db}/_explain", body: anything, kind: reads, what: "Mango plan"},
	{method: "GET", path: "/{db}/_index", kind: reads, what: "Mango indexes"},
	{method: "POST", path: "/{db}/_bulk_get", body: `{"docs":[{"id":"{doc}"}]}`, kind: reads, what: "docs by id and revision"},
	{method: "POST", path: "/{db}/_revs_diff", body: `{"{doc}":["1-x","{rev}"]}`, kind: reads, what: "which revisions are missing"},
	{method: "POST", path: "/{db}/_missing_revs", body: `{"{doc}":["1-x","{rev}"]}`, kind: reads, what: "which revisions are missing"},
	{method: "GET", path: "/{db}/_design_docs", query: "include_docs=true", kind: reads, what: "design documents"},
	{method: "POST", path: "/{db}/_design_docs", body: `{}`, kind: reads, what: "design documents"},
	{method: "GET", path: "/{db}/_local_docs", kind: reads, what: "local docs"},
	{method: "POST", path: "/{db}/_local_docs", body: `{}`, kind: reads, what: "local docs"},
	{method: "GET", path: "/{db}/_local/x", kind: reads, what: "a local doc"},
	{method: "GET", path: "/{db}/_design/report", kind: reads, what: "a design document"},
	{method: "GET", path: "/{db}/_design/report/_info", kind: reads, what: "a view's state"},
	{method: "GET", path: "/{db}/_design/report/_view/attacks", query: "group=true", kind: reads, what: "a view"},
	{method: "POST", path: "/{db}/_design/report/_view/attacks", body: `{}`, kind: reads, what: "a view"},
	{method: "POST", path: "/{db}/_design/report/_view/attacks/queries", body: `{"queries":[{}]}`, kind: reads, what: "a view, several times"},
	{method: "GET", path: "/{db}/_design/report/_list/x/attacks", kind: reads, what: "a list function"},
	{method: "GET", path: "/{db}/_design/report/_show/x/{doc}", kind: reads, what: "a show function"},
	{method: "GET", path: "/{db}/_design/report/_rewrite/x", kind: reads, what: "a rewrite"},
	{method: "GET", path: "/{db}/_design/report/_search/x", query: "q=*:*", kind: reads, what: "text search"},
	{method: "POST", path: "/{db}/_design/report/_nouveau/x", body: `{"q":"*:*"}`, kind: reads, what: "text search"},
	{method: "GET", path: "/{db}/_partition/x/_all_docs", kind: reads, what: "docs of a partition"},
	{method: "POST", path: "/{db}/_partition/x/_find", body: anything, kind: reads, what: "Mango query in a partition"},
	{method: "GET", path: "/{db}/_security", kind: reads, what: "permissions"},
	{method: "GET", path: "/{db}/_revs_limit", kind: reads, what: "a setting"},
	{method: "GET", path: "/{db}/_purged_infos_limit", kind: reads, what: "a setting"},
	{method: "GET", path: "/{db}/_shards", kind: reads, what: "where it is kept"},
	{method: "GET", path: "/{db}/_shards/{doc}", kind: reads, what: "where a doc is kept"},

	{method: "GET", path: "/_all_dbs", kind: serves, what: "names of databases"},
	{method: "GET", path: "/_dbs_info", kind: serves, what: "all databases"},
	{method: "POST", path: "/_dbs_info", body: `{"keys":["{db}"]}`, kind: serves, what: "some databases"},
	{method: "GET", path: "/_db_updates", query: "timeout=1000", kind: serves, what: "changes of databases"},
	{method: "GET", path: "/_active_tasks", kind: serves, what: "tasks"},
	{method: "GET", path: "/_membership", kind: serves, what: "nodes"},
	{method: "GET", path: "/_cluster_setup", kind: serves, what: "the cluster's state"},
	{method: "GET", path: "/_uuids", kind: reads, what: "ids"},
	{method: "GET", path: "/_scheduler/jobs", kind: serves, what: "replications"},
	{method: "GET", path: "/_scheduler/docs", kind: serves, what: "replications"},
	{method: "GET", path: "/_node/_local/_config", kind: serves, what: "configuration"},
	{method: "GET", path: "/_node/_local/_config/admins", kind: serves, what: "admins' password hashes"},
	{method: "GET", path: "/_node/_local/_stats", kind: serves, what: "statistics"},
	{method: "GET", path: "/_node/_local/_system", kind: serves, what: "statistics"},
	{method: "GET", path: "/_node/_local/_prometheus", kind: serves, what: "metrics"},
	{method: "GET", path: "/_node/_local/_versions", kind: serves, what: "versions"},
	{method: "GET", path: "/_reshard", kind: serves, what: "resharding"},
	{method: "POST", path: "/_search_analyze", body: `{"analyzer":"standard","text":"x"}`, kind: serves, what: "text analysis"},
	{method: "GET", path: "/_users/_all_docs", query: "include_docs=true", kind: serves, what: "accounts"},
	{method: "POST", path: "/_users/_find", body: anything, kind: serves, what: "accounts"},
	{method: "GET", path: "/_users/_changes", query: "include_docs=true", kind: serves, what: "accounts"},
	{method: "GET", path: "/_replicator/_all_docs", query: "include_docs=true", kind: serves, what: "replications with their passwords"},
	{method: "GET", path: "/_global_changes/_all_docs", kind: serves, what: "changes of databases"},

	{method: "POST", path: "/{db}", query: "batch=ok", body: `{"audit":"{new}"}`, kind: changes, what: "write a doc, answered before it is on disk"},
	{method: "POST", path: "/{db}", query: "new_edits=false", body: `{"_id":"{doc}","_rev":"9-{new}","audit":true}`, kind: changes, what: "write a revision of one's own"},
	{method: "POST", path: "/{db}", body: `{"_id":"{doc}","_rev":"{rev}","audit":true}`, kind: changes, what: "overwrite a doc"},
	{method: "POST", path: "/{db}", body: `{"_id":"{doc}","_rev":"{rev}","_deleted":true}`, kind: changes, what: "delete a doc"},
	{method: "POST", path: "/{db}", body: `{"_id":"{new}","audit":true}`, kind: changes, what: "take an id"},
	{method: "POST", path: "/{db}", body: `{"_id":"_local/{new}","audit":true}`, kind: changes, what: "write a local doc"},
	{method: "POST", path: "/{db}", body: `{"_id":"_design/{new}","views":{}}`, kind: changes, what: "write a design document"},
	{method: "POST", path: "/{db}", body: `{"_attachments":{"x":{"content_type":"text/plain","data":"eA=="}}}`, kind: changes, what: "write an attachment"},
	{method: "PUT", path: "/{db}/{new}", body: `{"audit":true}`, kind: changes, what: "take an id"},
	{method: "PUT", path: "/{db}/{doc}", query: "rev={rev}", body: `{"audit":true}`, kind: changes, what: "overwrite a doc"},
	{method: "PUT", path: "/{db}/{doc}", query: "new_edits=false", body: `{"_rev":"9-{new}","audit":true}`, kind: changes, what: "write a revision of one's own"},
	{method: "PUT", path: "/{db}/{new}/attachment", body: `x`, kind: changes, what: "write an attachment"},
	{method: "PUT", path: "/{db}/_design/{new}", body: `{"views":{}}`, kind: changes, what: "write a design document"},
	{method: "PUT", path: "/{db}/_local/{new}", body: `{}`, kind: notes, what: "write a local doc"},
	{method: "DELETE", path: "/{db}/{doc}", query: "rev={rev}", kind: changes, what: "delete a doc"},
	{method: "COPY", path: "/{db}/{doc}", kind: changes, what: "copy a doc"},
	{method: "POST", path: "/{db}/_bulk_docs", body: `{"docs":[{"audit":"{new}"}]}`, kind: changes, what: "write docs"},
	{method: "POST", path: "/{db}/_bulk_docs", body: `{"docs":[{"_id":"{doc}","_rev":"{rev}","_deleted":true}]}`, kind: changes, what: "delete docs"},
	{method: "POST", path: "/{db}/_bulk_docs", body: `{"new_edits":false,"docs":[{"_id":"{doc}","_rev":"9-{new}"}]}`, kind: changes, what: "write revisions of one's own"},
	{method: "POST", path: "/{db}/_design/report/_update/x", body: `{}`, kind: changes, what: "an update function"},
	{method: "POST", path: "/{db}/_index", body: `{"index":{"fields":["{new}"]},"ddoc":"{new}"}`, kind: changes, what: "make an index"},
	{method: "POST", path: "/{db}/_purge", body: `{"{new}":["1-x"]}`, kind: changes, what: "purge"},
	{method: "POST", path: "/{db}/_compact", body: `{}`, kind: changes, what: "compact"},
	{method: "POST", path: "/{db}/_view_cleanup", body: `{}`, kind: changes, what: "clean up views"},
	{method: "POST", path: "/{db}/_ensure_full_commit", body: `{}`, kind: notes, what: "sync"},
	{method: "POST", path: "/{db}/_sync_shards", body: `{}`, kind: changes, what: "sync shards"},
	{method: "PUT", path: "/{db}/_security", body: `{"admins":"{new}"}`, kind: invalid, what: "change permissions"},
	{method: "PUT", path: "/{db}/_revs_limit", body: `"{new}"`, kind: invalid, what: "change a setting"},
	{method: "PUT", path: "/{db}/_purged_infos_limit", body: `"{new}"`, kind: invalid, what: "change a setting"},
	{method: "PUT", path: "/{new}", kind: changes, what: "make a database", undo: &route{method: "DELETE", path: "/{new}"}},
	{method: "DELETE", path: "/{new}-gone", kind: invalid, what: "delete a database"},
	{method: "POST", path: "/_users", body: `{"_id":"org.couchdb.user:{new}","name":"{new}","password":"{new}","roles":[],"type":"user"}`, kind: changes, what: "make an account", undo: &route{method: "DELETE", path: "/_users/org.couchdb.user:{new}", query: "rev={made}"}},
	{method: "PUT", path: "/_users/org.couchdb.user:{new}", body: `{"name":"{new}","password":"{new}","roles":[],"type":"user"}`, kind: changes, what: "make an account", undo: &route{method: "DELETE", path: "/_users/org.couchdb.user:{new}", query: "rev={made}"}},
	{method: "POST", path: "/_replicator", body: `{"_id":"{new}","source":"{new}","target":"{new}"}`, kind: changes, what: "replicate", undo: &route{method: "DELETE", path: "/_replicator/{new}", query: "rev={made}"}},
	{method: "POST", path: "/_replicate", body: `{"source":"{new}","target":"{new}-target"}`, kind: invalid, what: "replicate"},
	{method: "PUT", path: "/_node/_local/_config/{new}/x", body: `"x"`, kind: changes, what: "configure", undo: &route{method: "DELETE", path: "/_node/_local/_config/{new}/x"}},
	{method: "POST", path: "/_cluster_setup", body: `{"action":"{new}"}`, kind: invalid, what: "set up a cluster"},
	{method: "POST", path: "/_reshard/jobs", body: `{"type":"{new}"}`, kind: invalid, what: "reshard"},
}
