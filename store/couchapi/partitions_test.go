package couchapi

import (
	"fmt"
	"strings"
	"testing"
)

// TestPartitionsKeepToThemselves asks each of some partitions what a database with its docs alone is asked.
func TestPartitionsKeepToThemselves(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/all?partitioned=true", "", 201)
	const design = `{"views":{"n":{"map":"function(doc) { emit([doc.n, doc.s], doc.n); emit(doc.s, 1) }","reduce":"_sum"},` +
		`"j":{"map":"function(doc) { emit(doc.s) }","reduce":"function(k, v, r) { return r ? sum(v) : v.length }"}}}`
	expect(t, h, "PUT", "/all/_design/d", design, 201)
	expect(t, h, "POST", "/all/_index", `{"index":{"fields":["s","n"]},"ddoc":"m","name":"m"}`, 200)
	// Names of which one begins like another, and one that sorts its ids among the other's.
	partitions := []string{"a", "ab", "a:"[:1] + "!", "b", "é"}
	for i, p := range partitions {
		expect(t, h, "PUT", fmt.Sprintf("/one%d", i), "", 201)
		expect(t, h, "PUT", fmt.Sprintf("/one%d/_design/d", i), design, 201)
		expect(t, h, "POST", fmt.Sprintf("/one%d/_index", i), `{"index":{"fields":["s","n"]},"ddoc":"m","name":"m"}`, 200)
		for n := range 7 {
			doc := fmt.Sprintf(`{"_id":"%s:%d","n":%d,"s":"%c"}`, p, n, n%3, 'x'+n%2)
			expect(t, h, "POST", "/all", doc, 201)
			expect(t, h, "POST", fmt.Sprintf("/one%d", i), doc, 201)
		}
	}
	view := "/_design/d/_view/"
	for i, p := range partitions {
		for _, path := range []string{
			view + "n", view + "n?group=true", view + "n?group_level=1", view + "n?group_level=1&descending=true", view + "n?reduce=false",
			view + "n?reduce=false&descending=true&limit=3&skip=1", view + "n?reduce=false&key=%22x%22", view + "n?reduce=false&startkey=[1]&endkey=[2,{}]",
			view + "n?reduce=false&include_docs=true&startkey=%22x%22", view + "n?group=true&keys=[%22y%22,%22x%22]", view + "j?group=true", view + "j",
			view + "n?reduce=false&descending=true&startkey=[1,{}]&endkey=[0]", "/_all_docs?startkey=%22a%22&endkey=%22b%22", "/_all_docs?descending=true&limit=2&skip=1&include_docs=true",
		} {
			if strings.Contains(path, "_all_docs?startkey") && p != "a" {
				continue
			}
			got := expect(t, h, "GET", "/all/_partition/"+strings.ReplaceAll(p, "é", "%C3%A9")+path, "", 200)
			want := expect(t, h, "GET", fmt.Sprintf("/one%d%s", i, path), "", 200)
			if rowsOf(got) != rowsOf(want) {
				t.Errorf("%s of %s: %s\nalone: %s", path, p, got, want)
			}
		}
		for _, query := range []string{
			`{"selector":{"s":"x"}}`, `{"selector":{"s":{"$gte":"x"},"n":{"$gt":0}},"sort":[{"s":"desc"},{"n":"desc"}]}`, `{"selector":{"n":1}}`,
			`{"selector":{"_id":{"$gt":null}},"sort":[{"_id":"desc"}],"limit":3}`, `{"selector":{"s":"y"},"skip":1,"limit":1}`,
		} {
			path := "/all/_partition/" + strings.ReplaceAll(p, "é", "%C3%A9") + "/_find"
			got, want := expect(t, h, "POST", path, query, 200), expect(t, h, "POST", fmt.Sprintf("/one%d/_find", i), query, 200)
			if rowsOf(got) != rowsOf(want) {
				t.Errorf("%s of %s: %s\nalone: %s", query, p, got, want)
			}
		}
	}
	for path, reason := range map[string]string{
		"/all/_partition/_x":                                      "Partition must not start with an underscore",
		"/all/_partition/a/_all_docs?partition=b":                 "Conflicting value for `partition` in query string",
		"/one0/_all_docs?partition=a":                             "`partition` parameter is not supported on this db",
		"/one0/_design/d/_view/n?partition=a":                     "`partition` parameter is not supported in this design doc",
		"/all/_partition/a/_design/d/_view/n?startkey=2&endkey=1": "No rows can match your key range",
	} {
		if got := expect(t, h, "GET", path, "", 400); !strings.Contains(got, reason) {
			t.Errorf("%s: %s", path, got)
		}
	}
	expect(t, h, "GET", "/all/_design/d/_view/n?partition=a", "", 200)
	expect(t, h, "GET", "/all/_partition/a/_nope", "", 404)
	expect(t, h, "PUT", "/all/a:b:c", "{}", 201)
	expect(t, h, "POST", "/all/_bulk_docs", `{"docs":[{"_id":"a:ok"},{"_id":"bad"}]}`, 400)
	expect(t, h, "GET", "/all/a:ok", "", 404)
	expect(t, h, "POST", "/all/_bulk_docs", `{"docs":[{"_id":"bad","_rev":"1-a"}],"new_edits":false}`, 400)
	expect(t, h, "PUT", "/all/_local/anything", "{}", 201)
	if got := expect(t, h, "GET", "/all/_partition/b", "", 200); !strings.Contains(got, `"doc_count":7,"doc_del_count":0`) {
		t.Error(got)
	}
}

// rowsOf is an answer without what counts the rows of the whole database.
func rowsOf(answer string) string {
	if i := strings.Index(answer, `"rows":`); i >= 0 {
		return answer[i:]
	}
	if i := strings.Index(answer, `"bookmark"`); i >= 0 {
		return answer[:i]
	}
	return answer
}
