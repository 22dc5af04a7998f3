// Package suite runs kivik's own tests of servers, kiviktest, against the one that SERVER names. It is a module of its own, so
// that what these tests need is nobody else's dependency; TestKiviktest of internal/clients runs it, from a copy.
package suite

import (
	"context"
	"maps"
	"net/http"
	"os"
	"testing"

	"github.com/go-kivik/kivik/v4"
	_ "github.com/go-kivik/kivik/v4/couchdb"
	"github.com/go-kivik/kivik/v4/couchdb/test"
	"github.com/go-kivik/kivik/v4/kiviktest"
	"github.com/go-kivik/kivik/v4/kiviktest/kt"
)

// differs is what is expected of this server instead of what kiviktest expects of CouchDB 3.3, and why.
func differs(server string) kt.SuiteConfig {
	return kt.SuiteConfig{
		"Version.version": `^3\.5\.`,
		"Version.vendor":  `^logctl$`,

		// There is no _global_changes, and so no _db_updates.
		"AllDBs.expected":           []string{"_replicator", "_users"},
		"Security.databases":        []string{"_replicator", "_users", "chicken", "_duck"},
		"GetIndexes.databases":      []string{"_replicator", "_users", "chicken", "_duck"},
		"DBUpdates/RW/Admin.status": http.StatusNotFound,

		// As CouchDB 3.5 explains, which has more options and no fields where it used to have all_fields.
		"Explain.plan": &kivik.QueryPlan{
			Index: map[string]any{
				"ddoc": nil, "name": "_all_docs", "type": "special",
				"def": map[string]any{"fields": []any{map[string]string{"_id": "asc"}}},
			},
			Selector: map[string]any{"_id": map[string]any{"$gt": nil}},
			Options: map[string]any{
				"allow_fallback": true, "bookmark": "nil", "conflicts": false, "execution_stats": false, "fields": []any{}, "limit": 25,
				"partition": "", "r": 1, "skip": 0, "sort": map[string]any{}, "stable": false, "stale": false, "update": true,
				"use_index": []any{},
			},
			Fields: []any{},
			Limit:  25,
		},

		// A login without a name is the client's fault, not the server's.
		"Session/Post/MeaninglessJSON.status": http.StatusBadRequest,
		// It leads to /_session: what begins with two slashes would be another server to a browser behind some proxies.
		"Session/Post/GoodCredsJSONRedirSchemaless.skip": true,

		// The server is where it is. Cancel asks for an address of another machine.
		"Replicate.prefix":               server,
		"Replicate/RW/Admin.prefix":      server,
		"Replicate.NotFoundDB":           server + "foo",
		"Replicate/RW/Admin/Cancel.skip": true,
	}
}

func TestSuite(t *testing.T) {
	server := os.Getenv("SERVER")
	test.RegisterCouchDBSuites()
	maps.Copy(kiviktest.Expectations(kiviktest.SuiteCouch33), differs(server))
	c, err := kiviktest.ConnectClients(t, "couch", server, kivik.Params(nil))
	if err != nil {
		t.Fatal(err)
	}
	c.RW = true
	if err := c.Admin.CreateDB(context.Background(), "_users"); err != nil {
		t.Fatal(err)
	}
	kiviktest.RunTestsInternal(t, c, kiviktest.SuiteCouch33)
}
