package couchapi

import (
	"fmt"
	"strings"
	"testing"

	"logctl/store/engine"
)

// TestPurgedDocsLeaveIndexes purges docs and looks for them in views and by Mango, after some purges have left the log, too, and after a
// restart.
func TestPurgedDocsLeaveIndexes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*Handler, func()) {
		e, err := engine.Open(dir, engine.Options{CacheSize: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		h := New(Options{Engine: e, Admins: oneAdmin{}})
		return h, func() {
			h.Close()
			e.Close()
		}
	}
	h, end := open()
	defer func() { end() }()
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/_design/v", `{"views":{"n":{"map":"function(doc) { emit(doc.n, 1) }","reduce":"_sum"}}}`, 201)
	expect(t, h, "POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"m","name":"m"}`, 200)
	left := map[int]bool{}
	check := func(what string) {
		t.Helper()
		view := expect(t, h, "GET", "/db/_design/v/_view/n?reduce=false", "", 200)
		found := expect(t, h, "POST", "/db/_find", `{"selector":{"n":{"$gte":0}},"fields":["_id"],"limit":100}`, 200)
		for n := range 12 {
			id := fmt.Sprintf(`"d%d"`, n)
			if strings.Contains(view, `"id":`+id) != left[n] || strings.Contains(found, `"_id":`+id) != left[n] {
				t.Errorf("%s: %s is in %s and in %s", what, id, view, found)
			}
		}
		want := fmt.Sprintf(`"value":%d}`, len(left))
		if got := expect(t, h, "GET", "/db/_design/v/_view/n", "", 200); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	revs := map[int]string{}
	for n := range 12 {
		answer := expect(t, h, "PUT", fmt.Sprintf("/db/d%d", n), fmt.Sprintf(`{"n":%d}`, n), 201)
		_, rev, _ := strings.Cut(answer, `"rev":"`)
		revs[n], _, _ = strings.Cut(rev, `"`)
		left[n] = true
	}
	purge := func(n int) {
		t.Helper()
		expect(t, h, "POST", "/db/_purge", fmt.Sprintf(`{"d%d":[%q]}`, n, revs[n]), 201)
		delete(left, n)
	}
	check("at first")
	purge(3)
	purge(4)
	check("after two purges")
	expect(t, h, "PUT", "/db/_purged_infos_limit", "2", 200)
	for n := 5; n < 10; n++ {
		purge(n)
	}
	if got := expect(t, h, "GET", "/db/_purged_infos", "", 200); strings.Contains(got, `"d7"`) || !strings.Contains(got, `"id":"d9","revs":["1-`) {
		t.Errorf("the log: %s", got)
	}
	check("after more than the log holds")
	purge(10)
	expect(t, h, "PUT", "/db/d10", `{"n":10}`, 201)
	left[10] = true
	check("after one was made again")
	end()
	h, end = open()
	check("after a restart")
	if got := expect(t, h, "GET", "/db/_design/v/_info", "", 200); !strings.Contains(got, `"purge_seq":8`) {
		t.Errorf("info: %s", got)
	}
	many := `"x0":[]`
	for i := 1; i <= maxPurgedDocs; i++ {
		many += fmt.Sprintf(`,"x%d":[]`, i)
	}
	expect(t, h, "POST", "/db/_purge", "{"+many+"}", 400)
}

func TestPurgedRulesHoldNoLonger(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	answer := expect(t, h, "PUT", "/db/_design/v", `{"validate_doc_update":"function() { throw({forbidden: 'no'}) }"}`, 201)
	expect(t, h, "PUT", "/db/a", "{}", 403)
	_, rev, _ := strings.Cut(answer, `"rev":"`)
	rev, _, _ = strings.Cut(rev, `"`)
	expect(t, h, "POST", "/db/_purge", fmt.Sprintf(`{"_design/v":[%q]}`, rev), 201)
	expect(t, h, "PUT", "/db/a", "{}", 201)
}
