package couchapi

import (
	"fmt"
	"sync"
	"testing"
)

// TestSecurityAtOnce: answers to several who ask at the same time are each their own.
func TestSecurityAtOnce(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/_security", `{"members":{"names":["a"]}}`, 200)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if code, answer := call(t, h, "GET", "/db/_security", ""); code != 200 || answer != `{"members":{"names":["a"]}}` {
					t.Errorf("%d %s", code, answer)
				}
			}
		})
	}
	all.Wait()
}

// TestDefaultSecurity has new databases be everybody's, where no door is before the store.
func TestDefaultSecurity(t *testing.T) {
	t.Parallel()
	for _, bare := range []bool{true, false} {
		h := newTestHandler(t, Options{Bare: bare})
		for i, c := range []struct {
			set  string
			open bool
		}{{"everyone", bare}, {"admin_local", bare}, {"admin_only", false}, {"nonsense", false}} {
			expect(t, h, "PUT", "/_node/_local/_config/couchdb/default_security", `"`+c.set+`"`, 200)
			db := fmt.Sprint("/db", i)
			expect(t, h, "PUT", db, "", 201)
			if w := anonymous(h, "GET", db, ""); (w.Code == 200) != c.open {
				t.Errorf("bare %v, %s: %d", bare, c.set, w.Code)
			}
		}
		expect(t, h, "DELETE", "/_node/_local/_config/couchdb/default_security", "", 200)
		if w := anonymous(h, "GET", "/db0", ""); (w.Code == 200) != bare {
			t.Errorf("bare %v: a database of before: %d", bare, w.Code)
		}
	}
}
