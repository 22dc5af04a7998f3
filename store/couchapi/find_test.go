package couchapi

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
)

// TestIndexesChangeNoAnswer asks random questions of random docs, which change meanwhile, with indexes and, through a field that no
// index has, without them.
func TestIndexesChangeNoAnswer(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	for name, fields := range map[string]string{"a": `"a"`, "ab": `"a","b"`, "ba": `{"b":"desc"},{"a":"desc"}`, "deep": `"c.d"`} {
		expect(t, h, "POST", "/db/_index", `{"index":{"fields":[`+fields+`]},"ddoc":"`+name+`"}`, 200)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	value := func() string {
		return [...]string{"null", "true", "1", "2", "2.5", `"x"`, `"X"`, `"é"`, "[1]", `{"d":1}`, "-7", `""`}[rnd.IntN(12)]
	}
	revs := map[string]string{}
	write := func() {
		id := fmt.Sprintf("doc%02d", rnd.IntN(40))
		doc := `{"all":1`
		for _, f := range []string{"a", "b", "c"} {
			if rnd.IntN(4) > 0 {
				doc += fmt.Sprintf(`,%q:%s`, f, value())
			}
		}
		if rev := revs[id]; rev != "" {
			doc += `,"_rev":"` + rev + `"`
			if rnd.IntN(5) == 0 {
				doc += `,"_deleted":true`
			}
		}
		status := 201
		if strings.Contains(doc, "_deleted") {
			status = 200
		}
		var done struct{ Rev string }
		if err := json.Unmarshal([]byte(expect(t, h, "PUT", "/db/"+id, doc+"}", status)), &done); err != nil {
			t.Fatal(err)
		}
		if revs[id] = done.Rev; status == 200 {
			delete(revs, id)
		}
	}
	condition := func() string {
		field := [...]string{"a", "b", "c.d", "a", "_id"}[rnd.IntN(5)]
		arg := value()
		if field == "_id" {
			arg = fmt.Sprintf(`"doc%02d"`, rnd.IntN(40))
		}
		op := [...]string{"$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$exists", "$in", "$beginsWith"}[rnd.IntN(9)]
		switch op {
		case "$exists":
			arg = "true"
		case "$in":
			arg = "[" + arg + "," + value() + "]"
		case "$beginsWith":
			arg = `"x"`
		}
		return fmt.Sprintf(`{%q:{%q:%s}}`, field, op, arg)
	}
	indexed := 0
	for range 150 {
		for range 3 {
			write()
		}
		list := condition() + "," + condition()
		if rnd.IntN(3) == 0 {
			list += `,{"$or":[` + condition() + "," + condition() + "]}"
		}
		fields := [...]string{`"_id"`, `"_id","a","b"`, `"_id","c"`}[rnd.IntN(3)]
		with := findAll(t, h, `{"selector":{"$and":[`+list+`]},"fields":[`+fields+`],"limit":3`)
		// $or of a field that all docs have and one that none has hides the conditions from the planner.
		without := findAll(t, h, `{"selector":{"$or":[{"$and":[`+list+`]},{"nope":1}]},"fields":[`+fields+`],"limit":100`)
		if !strings.Contains(without.warning, "No matching index") {
			t.Fatalf("an index was used for %s", list)
		}
		if with.warning == "" {
			indexed++
		}
		if len(with.docs) != len(without.docs) {
			t.Fatalf("%s: %v with and %v without an index", list, with.docs, without.docs)
		}
		for doc := range with.docs {
			if !without.docs[doc] {
				t.Fatalf("%s: %s is found with an index alone", list, doc)
			}
		}
	}
	if indexed < 30 {
		t.Errorf("only %d questions used an index", indexed)
	}
}

type found struct {
	docs    map[string]bool
	warning string
}

// findAll follows bookmarks to the end. query lacks its closing brace.
func findAll(t *testing.T, h http.Handler, query string) found {
	t.Helper()
	all := found{docs: map[string]bool{}}
	bookmark := ""
	for {
		var page struct {
			Docs              []json.RawMessage
			Bookmark, Warning string
		}
		if err := json.Unmarshal([]byte(expect(t, h, "POST", "/db/_find", query+`,"bookmark":"`+bookmark+`"}`, 200)), &page); err != nil {
			t.Fatal(err)
		}
		all.warning = page.Warning
		for _, d := range page.Docs {
			if all.docs[string(d)] {
				t.Fatalf("%s: %s comes twice", query, d)
			}
			all.docs[string(d)] = true
		}
		if len(page.Docs) == 0 {
			return all
		}
		bookmark = page.Bookmark
	}
}

func TestFindTellsWhatItCost(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	for i := range 40 {
		expect(t, h, "PUT", fmt.Sprintf("/db/%02d", i), fmt.Sprintf(`{"n":%d,"m":1}`, i), 201)
	}
	expect(t, h, "POST", "/db/_index", `{"index":{"fields":["n"]},"ddoc":"d","name":"n"}`, 200)
	for _, c := range []struct {
		query, results             string
		keys, docs, quorum, result int
		warning                    string
	}{
		{`"selector":{"n":{"$gte":35}}`, "", 5, 5, 0, 5, ""},
		{`"selector":{"n":{"$gte":35}},"fields":["n","_id"]`, "", 5, 0, 0, 5, ""},
		{`"selector":{"n":{"$gte":35}},"r":3`, "", 5, 0, 5, 5, ""},
		{`"selector":{"n":{"$gte":0}},"sort":[{"n":"desc"}],"limit":2,"skip":1`, "", 4, 4, 0, 2, ""},
		{`"selector":{"n":{"$gte":0},"m":2}`, "", 40, 40, 0, 0, "The number of documents examined is high"},
		{`"selector":{"m":2}`, "", 41, 41, 0, 0, "No matching index found, create an index to optimize query time.\nThe number"},
	} {
		var got struct {
			Stats struct {
				Keys   int `json:"total_keys_examined"`
				Docs   int `json:"total_docs_examined"`
				Quorum int `json:"total_quorum_docs_examined"`
				Result int `json:"results_returned"`
			} `json:"execution_stats"`
			Warning string
		}
		answer := expect(t, h, "POST", "/db/_find", "{"+c.query+`,"execution_stats":true}`, 200)
		if err := json.Unmarshal([]byte(answer), &got); err != nil {
			t.Fatal(err)
		}
		s := got.Stats
		if s.Keys != c.keys || s.Docs != c.docs || s.Quorum != c.quorum || s.Result != c.result ||
			!strings.HasPrefix(got.Warning, c.warning) || (got.Warning == "") != (c.warning == "") {
			t.Errorf("%s: %s", c.query, answer)
		}
	}
}

func TestSelectorFilter(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/a", `{"n":1,"m":2}`, 201)
	expect(t, h, "PUT", "/db/b", `{"n":2}`, 201)
	got := expect(t, h, "POST", "/db/_changes?filter=_selector&include_docs=true", `{"selector":{"n":1},"fields":["m"]}`, 200)
	if !strings.Contains(got, `"id":"a"`) || strings.Contains(got, `"id":"b"`) || !strings.Contains(got, `"doc":{"m":2}`) {
		t.Error(got)
	}
	expect(t, h, "POST", "/db/_changes?filter=_selector", `{}`, 400)
	expect(t, h, "POST", "/db/_changes?filter=_selector", `{"selector":{"n":{"$no":1}}}`, 400)
}

// TestSelectorsAreBounded: a regular expression that would take minutes for a long text ends after some seconds, wherever a selector is used, and
// the answer tells what to do; one that is enough for other docs answers as ever.
func TestSelectorsAreBounded(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	expect(t, h, "PUT", "/db", "", 201)
	expect(t, h, "PUT", "/db/long", `{"line":"`+strings.Repeat("a", 1<<20)+`"}`, 201)
	expect(t, h, "PUT", "/db/short", `{"line":"aab","n":1}`, 201)
	selector := `{"line":{"$regex":"` + strings.Repeat("a?", 30_000) + `b"}}`
	index := `{"index":{"fields":["line"],"partial_filter_selector":` + selector + `},"ddoc":"d","name":"n"}`
	expect(t, h, "POST", "/db/_index", index, 200)
	const reason = `{"error":"timeout","reason":"The selector's conditions take more than 5s for the document long: use fewer or simpler ones."}`
	for path, body := range map[string]string{
		"/db/_find":                     `{"selector":` + selector + `}`,
		"/db/_changes?filter=_selector": `{"selector":` + selector + `}`,
		"/db/_find?indexed":             `{"selector":{"line":{"$gt":null}},"use_index":["d","n"]}`,
	} {
		if got := expect(t, h, "POST", path, body, 500); strings.TrimSpace(got) != reason {
			t.Errorf("%s: %s", path, got)
		}
	}
	found := expect(t, h, "POST", "/db/_find", `{"selector":{"$and":[{"n":1},`+selector+`]},"fields":["_id"]}`, 200)
	if !strings.Contains(found, `"docs":[`+"\r\n"+`{"_id":"short"}`+"\r\n]") {
		t.Errorf("found %s", found)
	}
}
