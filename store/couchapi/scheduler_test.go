package couchapi

import "testing"

// TestDocBeforeReplicator: a client that asks for the replication that it has just asked for is not told that there is none.
func TestDocBeforeReplicator(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "GET", "/_scheduler/docs/_replicator/a", "", 404)
	expect(t, h, "PUT", "/_replicator/a", `{"source":"x","target":"y"}`, 201)
	want := `{"database":"_replicator","doc_id":"a","error_count":0,"id":null,"info":null,"last_updated":null,"node":null,` +
		`"source":null,"start_time":null,"state":null,"target":null}` + "\n"
	if got := expect(t, h, "GET", "/_scheduler/docs/_replicator/a", "", 200); got != want {
		t.Errorf("got %s", got)
	}
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
	expect(t, h, "GET", "/_scheduler/docs/db/a", "", 404)
}
