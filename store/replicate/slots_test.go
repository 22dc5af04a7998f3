package replicate

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns shows that no more jobs run than may, that continuous ones give way to all others that wait, and that one which
// ends by itself takes its turn like the others and keeps it.
func TestTurns(t *testing.T) {
	t.Parallel()
	s := newManagedBy(t, newEngine(t), ManagerOptions{jobs: 2, turn: 20 * time.Millisecond})
	defer s.close(t)
	s.ask(t, "PUT", "/log_a", "")
	s.ask(t, "PUT", "/log_a/x", "{}")
	const jobs = 5
	var last started
	for i := range jobs {
		body := fmt.Sprintf(`{"source":"log_a","target":"log_b%d","continuous":true,"create_target":true}`, i)
		if err := json.Unmarshal([]byte(s.ask(t, "POST", "/_replicate", body)), &last); err != nil {
			t.Fatal(err)
		}
	}
	s.until(t, "/_scheduler/jobs", `"total_rows":5,`)
	for i := range jobs {
		s.until(t, fmt.Sprintf("/log_b%d", i), `"doc_count":1`)
	}
	s.ask(t, "PUT", "/log_a/y", "{}")
	for i := range jobs {
		s.until(t, fmt.Sprintf("/log_b%d", i), `"doc_count":2`)
	}
	for range 20 {
		var tasks []json.RawMessage
		if err := json.Unmarshal([]byte(s.ask(t, "GET", "/_active_tasks", "")), &tasks); err != nil || len(tasks) > 2 {
			t.Fatalf("%d jobs run at a time (%v): %s", len(tasks), err, tasks)
		}
	}
	s.ask(t, "POST", "/_replicate", `{"source":"log_a","target":"log_once","create_target":true}`)
	if got := s.ask(t, "GET", "/log_once", ""); !strings.Contains(got, `"doc_count":2`) {
		t.Error(got)
	}
	s.until(t, "/_scheduler/jobs/"+url.QueryEscape(last.LocalID), `"type":"stopped"`)
	s.ask(t, "PUT", "/_replicator/doc", `{"source":"log_a","target":"log_doc","create_target":true,"continuous":true}`)
	s.until(t, "/log_doc", `"doc_count":2`)
	s.ask(t, "POST", "/_replicate", `{"cancel":true,"replication_id":"`+last.LocalID+`"}`)
	s.until(t, "/_scheduler/jobs", `"total_rows":5,`)
}

// TestPending shows that a job that waits is told of as CouchDB tells of it, and can be cancelled.
func TestPending(t *testing.T) {
	t.Parallel()
	s := newManagedBy(t, newEngine(t), ManagerOptions{jobs: 1})
	defer s.close(t)
	s.ask(t, "PUT", "/log_a", "")
	s.ask(t, "PUT", "/log_a/x", "{}")
	s.ask(t, "POST", "/_replicate", `{"source":"log_a","target":"log_b","continuous":true,"create_target":true}`)
	s.until(t, "/log_b", `"doc_count":1`)
	s.ask(t, "PUT", "/_replicator/doc", `{"source":"log_a","target":"log_c","create_target":true}`)
	doc := s.until(t, "/_scheduler/docs/_replicator/doc", `"state":"pending"`)
	if !strings.Contains(doc, `"through_seq":0,`) {
		t.Errorf("not from the start: %s", doc)
	}
	var told struct{ ID string }
	if err := json.Unmarshal([]byte(doc), &told); err != nil {
		t.Fatal(err)
	}
	s.until(t, "/_scheduler/jobs/"+told.ID, `"doc_id":"doc"`)
	s.ask(t, "DELETE", "/_replicator/doc?rev="+s.rev(t, "_replicator", "doc"), "")
	s.until(t, "/_scheduler/jobs", `"total_rows":1,`)
	if status, got := s.try(t, "GET", "/log_c", ""); status != 404 {
		t.Errorf("a job that was cancelled before its turn has run: %d %s", status, got)
	}
}

// TestTooManyReplications shows that what continuous replications hold is bounded, and that those that are cancelled make room.
func TestTooManyReplications(t *testing.T) {
	t.Parallel()
	s := newManagedBy(t, newEngine(t), ManagerOptions{jobs: 1})
	defer s.close(t)
	s.ask(t, "PUT", "/log_a", "")
	const parts = 4
	body := func(n int) string {
		return fmt.Sprintf(`{"source":"log_a","target":"log_b","create_target":true,"continuous":true,"query_params":{"n":%d,"x":"%s"}}`,
			n, strings.Repeat("x", maxHeld/parts-jobSize/2))
	}
	var first started
	for n := range parts - 1 {
		if err := json.Unmarshal([]byte(s.ask(t, "POST", "/_replicate", body(n))), &first); err != nil {
			t.Fatal(err)
		}
	}
	status, got := s.try(t, "POST", "/_replicate", body(parts))
	if status != 429 || !strings.Contains(got, `"error":"too_many_requests"`) {
		t.Fatalf("%d %.200s", status, got)
	}
	s.ask(t, "POST", "/_replicate", body(0)) // runs or waits already
	s.ask(t, "POST", "/_replicate", `{"cancel":true,"replication_id":"`+first.LocalID+`"}`)
	s.ask(t, "POST", "/_replicate", body(parts))
}

// TestOrderOfTurns shows that who waits first runs first, and that the longest run gives way, but for those that end by themselves.
func TestOrderOfTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slots{max: 2}
		began := make(chan string, 10)
		turns := map[string]*turn{}
		for _, name := range []string{"once", "a", "b", "c"} {
			go func() {
				t, err := s.wait(context.Background(), name != "once")
				if err == nil {
					turns[name] = t
					began <- name
				}
			}()
			synctest.Wait()
		}
		next := func(want string) {
			t.Helper()
			synctest.Wait()
			select {
			case got := <-began:
				if got != want {
					t.Errorf("%s runs, want %s", got, want)
				}
			default:
				t.Errorf("nobody runs, want %s", want)
			}
		}
		next("once")
		next("a")
		s.giveWay()
		if cause := context.Cause(turns["a"].ctx); cause != errGaveWay {
			t.Errorf("a is told %v", cause)
		}
		if err := turns["once"].ctx.Err(); err != nil {
			t.Errorf("what ends by itself is told %v", err)
		}
		s.leave(turns["a"])
		next("b")
		s.leave(turns["once"])
		next("c")
		s.giveWay()
		if err := turns["b"].ctx.Err(); err != nil {
			t.Errorf("b is told %v, with nobody waiting", err)
		}
		s.leave(turns["b"])
		s.leave(turns["c"])
	})
}
