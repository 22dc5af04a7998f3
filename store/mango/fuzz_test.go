package mango

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"logctl/store/ejson"
)

// FuzzSelector reads any text as a selector and, if it is one, matches any doc with it: nothing panics, a selector that was
// written out matches the same, and a negation never matches what the selector does.
func FuzzSelector(f *testing.F) {
	doc := `{"_id":"a","n":5,"s":"x","l":[1,{"k":2}],"o":{"p":null}}`
	for _, s := range []string{
		`{}`, `{"n":{"$gt":4,"$lt":6}}`, `{"l":{"$elemMatch":{"k":{"$in":[2]}}}}`, `{"$not":{"$or":[{"o.p":null},{"s":{"$regex":"(?=x)"}}]}}`,
		`{"l":{"$all":[1]}}`, `{"o":{"$keyMapMatch":{"$eq":"p"}}}`, `{"n":{"$mod":[3,2]}}`, `{"l.1.k":{"$type":"number"}}`, `{"":1}`, `{"a\\.b":{"$size":0}}`,
		`{"$text":1}`, `{"s":{"$beginsWith":"x"}}`, `{"$nor":[]}`,
	} {
		f.Add(s, doc)
	}
	f.Add(`{"l":{"$in":["x"]}}`, `{"l":[,1]}`)
	f.Fuzz(func(t *testing.T, selector, doc string) {
		s, err := ParseSelector([]byte(selector))
		if err != nil {
			return
		}
		out := s.AppendJSON(nil)
		again, err := ParseSelector(out)
		if err != nil {
			t.Fatalf("%s became %s: %v", selector, out, err)
		}
		if twice := again.AppendJSON(nil); !bytes.Equal(twice, out) {
			t.Fatalf("%s became %s became %s", selector, out, twice)
		}
		stored, err := ejson.Compact(nil, []byte(doc))
		if err != nil || stored[0] != '{' {
			match(t, s, doc)
			return
		}
		if match(t, s, string(stored)) != match(t, again, string(stored)) && !backtracks(s.root) { // which may run out of time
			t.Fatalf("%s and %s differ about %s", selector, out, stored)
		}
		fieldRanges(s.root)
	})
}

// backtracks tells whether there is a regular expression that does.
func backtracks(n *node) bool {
	return n != nil && (n.pattern.backtrack != nil || slices.ContainsFunc(n.args, backtracks))
}

// FuzzQuery reads any text as a query or a request for an index: nothing panics, and what is answered is JSON.
func FuzzQuery(f *testing.F) {
	f.Add(`{"selector":{"a":{"$gt":1}},"sort":["a"],"fields":["a.b","c"],"use_index":"x/y","limit":3}`)
	f.Add(`{"index":{"fields":[{"a":"desc"},"b"],"partial_filter_selector":{"c":1}},"ddoc":"d","partitioned":true}`)
	f.Add(`{"index":{"fields":["a"]},"partitioned":true,"name":"n"}`)
	f.Add(`{"selector":{},"bookmark":"eyJrZXkiOjEsImlkIjoiYSJ9"}`)
	f.Add(`{"selector":{"$and":[{"_id":{"$gt":null}},{"a":{"$eq":1}}]},"fields":["a","a.b","c.0"],"use_index":["d","n"],"skip":0,"r":1,"stale":"ok","sort":[{"_id":"desc"}]}`)
	f.Fuzz(func(t *testing.T, src string) {
		indexes := []*Index{AllDocs()}
		if c, err := ParseCreation([]byte(src)); err == nil {
			body, _, err := c.AddTo(nil)
			if err != nil || !json.Valid(body) {
				t.Fatalf("%s makes %s (%v)", src, body, err)
			}
			indexes = append(indexes, Indexes(c.DDoc, body, false)...)
			if left := Remove(body, c.Name); left != nil && !json.Valid(left) {
				t.Fatalf("%s leaves %s", body, left)
			}
		}
		q, err := ParseQuery([]byte(src), "", DefaultLimit)
		if err != nil {
			return
		}
		ParseBookmark(q.Bookmark)
		out, err := Explain(nil, "db", q, indexes)
		if err == nil && !json.Valid(out) {
			t.Fatalf("%s explains as %s", src, out)
		}
		if got, err := q.Fields.Append(t.Context(), nil, []byte(`{"a":{"b":1,"c":[1,2]},"c":null}`)); err != nil || !json.Valid(got) {
			t.Fatalf("%s gives %s", src, got)
		}
	})
}
