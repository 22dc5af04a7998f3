package couchapi

import (
	"fmt"
	"strings"
	"testing"
)

// TestDocBeforeReplicator: a client that asks for the replication that it has just asked for is not told that there is none.
func TestDocBeforeReplicator(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "GET", "/_scheduler/docs/_replicator/a", "", 404)
	for n := range 20 { // some of them before the replicator has come to it
		id := fmt.Sprint("a", n)
		expect(t, h, "PUT", "/_replicator/"+id, `{"source":"x","target":"y"}`, 201)
		if got := expect(t, h, "GET", "/_scheduler/docs/_replicator/"+id, "", 200); !strings.Contains(got, `"doc_id":"`+id+`"`) {
			t.Errorf("got %s", got)
		}
	}
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	expect(t, h, "GET", "/_scheduler/docs/db/a", "", 404)
}
