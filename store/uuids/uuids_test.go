package uuids

import (
	"regexp"
	"testing"
)

func TestSequentialIDs(t *testing.T) {
	t.Parallel()
	s := New()
	seen := map[string]bool{}
	last := ""
	for range 20_000 {
		id := s.ID()
		if len(id) != 32 || seen[id] || last != "" && id[:26] == last[:26] && id <= last {
			t.Fatalf("%s after %s", id, last)
		}
		seen[id], last = true, id
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	s := New()
	for _, c := range []struct{ algorithm, suffix, pattern string }{
		{"random", "", `^[0-9a-f]{32}$`}, {"utc_random", "", `^0[0-9a-f]{31}$`}, {"utc_id", "mine", `^0[0-9a-f]{13}mine$`},
		{"sequential", "", `^[0-9a-f]{32}$`}, {"unheard of", "", `^[0-9a-f]{32}$`},
	} {
		s.SetMode(c.algorithm, c.suffix)
		seen := map[string]bool{}
		for range 500 {
			id := s.ID()
			if seen[id] || !regexp.MustCompile(c.pattern).MatchString(id) {
				t.Fatalf("%s: %s", c.algorithm, id)
			}
			seen[id] = true
		}
	}
}
