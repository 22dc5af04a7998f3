package proxy

import (
	"strings"
	"testing"

	"logctl/store"
)

// addX makes docs longer by a member.
func addX(buf []byte, _ int) []byte { return append(buf[:len(buf)-1], `,"x":"xxxxxxxxxx"}`...) }

// TestExtend: what the door adds comes after the check of an id, counts as memory, and makes no doc too large.
func TestExtend(t *testing.T) {
	t.Parallel()
	good, goodID, _ := withID(t, `{"a":1}`)
	d := New(Options{Upstream: untouched(t), Limits: Limits{Doc: 100, Body: 1000}, Extend: addX})
	large := `{"a":"` + strings.Repeat("y", 80) + `"}`
	l := d.budget.lease(client{})
	list, err := d.parseDocs("log_app", []byte("["+good+`,{"b":2},`+large+"]"), asJSON, false, &l)
	if err != nil || len(list.list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []store.Doc{{ID: goodID, Body: []byte(`{"a":1,"x":"xxxxxxxxxx"}`)}, {Body: []byte(`{"b":2,"x":"xxxxxxxxxx"}`)}, {Body: []byte(large)}} {
		if got := list.list[i]; got.ID != want.ID || string(got.Body) != string(want.Body) {
			t.Errorf("doc %d is %s %s, want %s %s", i, got.ID, got.Body, want.ID, want.Body)
		}
	}
	if list, err = d.parseDocs("log_app_rejects", []byte(`{"line":"x"}`), asJSON, false, &l); err != nil || string(list.list[0].Body) != `{"line":"x"}` {
		t.Errorf("a reject: %+v, %v", list, err)
	}
	many := "[" + strings.Repeat(`{"b":2},`, 100) + `{"b":2}]`
	l.free()
	tight := New(Options{Upstream: untouched(t), Limits: Limits{Memory: 3*int64(len(many)) + 1000}, Extend: addX})
	l = tight.budget.lease(client{})
	if _, err := tight.parseDocs("log_app", []byte(many), asJSON, false, &l); !store.IsKind(err, store.KindUnavailable) {
		t.Errorf("longer docs than there is memory for: %v", err)
	}
}
