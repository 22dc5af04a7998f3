package couchapi

import (
	"testing"

	"logctl/store/engine"
	"logctl/store/viewopts"
)

func TestIDRange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query string
		id    string
		want  bool
	}{
		{`startkey="b"&endkey="d"`, "b", true},
		{`startkey="b"&endkey="d"`, "d", true},
		{`startkey="b"&endkey="d"&inclusive_end=false`, "d", false},
		{`startkey="b"&endkey="d"`, "a", false},
		{`descending=true&startkey="d"&endkey="b"`, "c", true},
		{`descending=true&startkey="d"&endkey="b"`, "e", false},
		{`startkey=null`, "a", true},
		{`endkey=null`, "a", false},
		{`startkey=[]`, "a", true},
		{`endkey={}`, "a", false},
		{`descending=true&startkey=[]`, "a", false},
	} {
		q, err := viewopts.Parse(viewopts.ParseQuery(c.query), nil, false)
		if err != nil {
			t.Fatal(err)
		}
		r := idRange(&q)
		if got := inRange(r, c.id); got != c.want {
			t.Errorf("%s holds %q: %v, want %v", c.query, c.id, got, c.want)
		}
	}
}

func TestListingClip(t *testing.T) {
	t.Parallel()
	l := listing{prefix: designPrefix, past: "_design0"}
	for _, c := range []struct {
		r    engine.IDRange
		want bool
	}{
		{engine.IDRange{}, true},
		{engine.IDRange{Descending: true}, true},
		{engine.IDRange{Start: "a", HasStart: true}, false},
		{engine.IDRange{End: "A", HasEnd: true}, false},
		{engine.IDRange{Start: "a", HasStart: true, Descending: true}, true},
	} {
		r, ok := l.clip(c.r)
		if ok != c.want || ok && (!inRange(r, "_design/x") || inRange(r, "a") || inRange(r, "A")) {
			t.Errorf("clip(%+v) = %+v, %v", c.r, r, ok)
		}
	}
}
