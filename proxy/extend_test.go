package proxy

import (
	"fmt"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/ejson"
)

// addX makes docs longer by a member.
func addX(buf []byte, _ int) []byte { return append(buf[:len(buf)-1], `,"x":"xxxxxxxxxx"}`...) }

// TestExtend: what the door adds comes after the check of an id, counts as memory, and makes no doc too large.
func TestExtend(t *testing.T) {
	t.Parallel()
	good, goodID, _ := withID(t, `{"a":1}`)
	d := New(Options{Upstream: untouched(t), Limits: Limits{Doc: 60, Body: 1000}, Extend: addX})
	body := `{"a":"` + strings.Repeat("y", 40) + `"}`
	large, largeID, _ := withID(t, body)
	l := d.budget.Lease(client{})
	list, err := d.parseDocs("log_app", []byte("["+good+`,{"b":2},`+large+"]"), asJSON, false, &l)
	if err != nil || len(list.list) != 3 {
		t.Fatalf("%+v, %v", list, err)
	}
	for i, want := range []store.Doc{{ID: goodID, Body: []byte(`{"a":1,"x":"xxxxxxxxxx"}`)}, {Body: []byte(`{"b":2,"x":"xxxxxxxxxx"}`)}, {ID: largeID, Body: []byte(body), Hashed: true}} {
		if got := list.list[i]; got.ID != want.ID || string(got.Body) != string(want.Body) || got.Hashed != want.Hashed {
			t.Errorf("doc %d is %s %s %v, want %s %s %v", i, got.ID, got.Body, got.Hashed, want.ID, want.Body, want.Hashed)
		}
	}
	reject := []byte(`{"line":"x"}`)
	reject = fmt.Appendf(nil, `{"_id":"%s",%s`, ejson.AppendRejectID(nil, reject, 0), reject[1:])
	if list, err = d.parseDocs("log_app_rejects", reject, asJSON, false, &l); err != nil || string(list.list[0].Body) != `{"line":"x"}` || list.list[0].Hashed {
		t.Errorf("a reject: %+v, %v", list, err)
	}
	many := "[" + strings.Repeat(`{"b":2},`, 100) + `{"b":2}]`
	l.Free()
	tight := New(Options{Upstream: untouched(t), Limits: Limits{Memory: 3*int64(len(many)) + 1000}, Extend: addX})
	l = tight.budget.Lease(client{})
	if _, err := tight.parseDocs("log_app", []byte(many), asJSON, false, &l); !store.IsKind(err, store.KindUnavailable) {
		t.Errorf("longer docs than there is memory for: %v", err)
	}
}
