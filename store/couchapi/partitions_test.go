package couchapi

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"logctl/store"
	"logctl/store/mango"
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

// TestBookmarksOfOthers shows that a bookmark, which a client may make up, leads neither out of a partition nor out of what is
// asked for, by the list of all docs and by an index, in either direction.
func TestBookmarksOfOthers(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/all?partitioned=true", "", 201)
	expect(t, h, "POST", "/all/_index", `{"index":{"fields":["n"]},"ddoc":"m","name":"m"}`, 200)
	for _, p := range []string{"a", "b", "c"} {
		for n := range 3 {
			expect(t, h, "PUT", fmt.Sprintf("/all/%s:%d", p, n), fmt.Sprintf(`{"n":%d}`, n), 201)
		}
	}
	ask := func(selector, direction, field string, place mango.Place) string {
		t.Helper()
		got := expect(t, h, "POST", "/all/_partition/b/_find", fmt.Sprintf(
			`{"selector":%s,"sort":[{"%s":"%s"}],"bookmark":"%s","fields":["_id"]}`, selector, field, direction, place.Bookmark()), 200)
		var page struct {
			Docs []struct {
				ID string `json:"_id"`
			}
		}
		if err := json.Unmarshal([]byte(got), &page); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, d := range page.Docs {
			ids = append(ids, d.ID)
		}
		return strings.Join(ids, " ")
	}
	for _, c := range []struct{ at, asc, desc, ascFrom1, descFrom1 string }{
		{"a:1", "b:0 b:1 b:2", "", "b:1 b:2", ""},
		{"b", "b:0 b:1 b:2", "", "b:1 b:2", ""},
		{"b:0", "b:1 b:2", "", "b:1 b:2", ""},
		{"b:1", "b:2", "b:0", "b:2", ""},
		{"b:2", "", "b:1 b:0", "", "b:1"},
		{"b:3", "", "b:2 b:1 b:0", "", "b:2 b:1"},
		{"b;", "", "b:2 b:1 b:0", "", "b:2 b:1"},
		{"c:1", "", "b:2 b:1 b:0", "", "b:2 b:1"},
	} {
		place := mango.Place{Key: store.AppendJSONString(nil, c.at), ID: c.at}
		for _, q := range []struct{ selector, direction, want string }{
			{`{"_id":{"$gt":null}}`, "asc", c.asc}, {`{"_id":{"$gt":null}}`, "desc", c.desc},
			{`{"_id":{"$gte":"b:1"}}`, "asc", c.ascFrom1}, {`{"_id":{"$gte":"b:1"}}`, "desc", c.descFrom1},
		} {
			if got := ask(q.selector, q.direction, "_id", place); got != q.want {
				t.Errorf("%s %s behind %s: %s, want %s", q.selector, q.direction, c.at, got, q.want)
			}
		}
	}
	for _, c := range []struct{ key, id, asc, desc string }{
		{"[0]", "a:1", "b:1 b:2", ""}, {"[1]", "a:1", "b:1 b:2", ""}, {"[1]", "b:1", "b:2", ""}, {"[2]", "a:2", "b:2", "b:1"},
		{"[2]", "c:2", "", "b:2 b:1"}, {"[9]", "c:2", "", "b:2 b:1"}, {"null", "c:2", "b:1 b:2", ""},
	} {
		place := mango.Place{Key: []byte(c.key), ID: c.id}
		for direction, want := range map[string]string{"asc": c.asc, "desc": c.desc} {
			if got := ask(`{"n":{"$gte":1}}`, direction, "n", place); got != want {
				t.Errorf("%s behind %s of %s: %s, want %s", direction, c.key, c.id, got, want)
			}
		}
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
