package couchapi

import (
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
