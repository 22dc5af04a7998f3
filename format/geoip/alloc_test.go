//go:build !race

package geoip

import "testing"

// With the race detector a sync.Pool forgets at random.
func TestExtendAllocatesNothing(t *testing.T) {
	db := both(t)
	doc := []byte(`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"8.8.8.8","level":"NOTICE","event":"ban"}`)
	buf := make([]byte, 0, 4*len(doc))
	if n := testing.AllocsPerRun(1000, func() { buf = db.Extend(append(buf[:0], doc...), 0) }); n > 0 {
		t.Errorf("%v allocations for a doc", n)
	}
}
