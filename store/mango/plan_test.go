package mango

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"logctl/store"
)

// testIndexes makes indexes of design document d: "name: a,b" or "name: a | selector" each.
func testIndexes(t *testing.T, specs ...string) []*Index {
	t.Helper()
	list := []*Index{AllDocs()}
	for _, spec := range specs {
		name, rest, _ := strings.Cut(spec, ": ")
		fields, filter, _ := strings.Cut(rest, " | ")
		quoted := `"` + strings.ReplaceAll(fields, ",", `","`) + `"`
		if filter == "" {
			filter = "{}"
		}
		c, err := ParseCreation([]byte(`{"index":{"fields":[` + quoted + `],"partial_filter_selector":` + filter + `},"ddoc":"d","name":"` + name + `"}`))
		if err != nil {
			t.Fatal(spec, err)
		}
		body, _, err := c.AddTo(nil)
		if err != nil {
			t.Fatal(spec, err)
		}
		list = append(list, Indexes(c.DDoc, body, false)...)
	}
	SortIndexes(list)
	return list
}

func TestPlan(t *testing.T) {
	t.Parallel()
	indexes := testIndexes(t, "a: a", "ab: a,b", "b: b", "abc: a,b,c", "part: p | {\"q\":1}", "dot: x.y")
	for _, c := range []struct{ query, index, low, high string }{
		{`{"selector":{"a":5}}`, "a", `[5]`, `[5]`},
		{`{"selector":{"a":{"$gt":5}}}`, "a", `[5]`, `[]`},
		{`{"selector":{"a":{"$lt":5}}}`, "a", `[]`, `[5]`},
		{`{"selector":{"a":{"$gt":1,"$gte":2,"$lt":9,"$lte":8}}}`, "a", `[2]`, `[8]`},
		{`{"selector":{"a":5,"b":{"$gte":"x"}}}`, "ab", `[5,"x"]`, `[5]`},
		{`{"selector":{"a":{"$beginsWith":"x"},"b":1}}`, "ab", `["x",1]`, "[\"x\uFFFF\",1]"},
		{`{"selector":{"a":5,"b":1,"c":{"$exists":true}}}`, "abc", `[5,1]`, `[5,1]`},
		{`{"selector":{"b":{"$in":[1,2]}}}`, "b", `[]`, `[]`},
		{`{"selector":{"$or":[{"a":1},{"a":2,"b":1}]}}`, "a", `[]`, `[]`},
		{`{"selector":{"$or":[{"a":1},{"b":1}]}}`, "_all_docs", "", ""},
		{`{"selector":{"p":1}}`, "_all_docs", "", ""},
		{`{"selector":{"p":1},"use_index":"_design/d/part"}`, "part", `[1]`, `[1]`},
		{`{"selector":{"a":1,"b":1},"use_index":["d","b"]}`, "b", `[1]`, `[1]`},
		{`{"selector":{"a":1},"use_index":["d","b"]}`, "a", `[1]`, `[1]`},
		{`{"selector":{"a":{"$exists":false}}}`, "_all_docs", "", ""},
		{`{"selector":{"x":{"y":1}}}`, "dot", `[1]`, `[1]`},
		{`{"selector":{"a":1},"sort":["b"]}`, "ab", `[1]`, `[1]`},
		{`{"selector":{"a":1},"sort":[{"a":"desc"},{"b":"desc"}]}`, "ab", `[1]`, `[1]`},
		{`{"selector":{}}`, "_all_docs", "", ""},
		{`{"selector":{"_id":{"$gt":"x"}},"sort":["_id"]}`, "_all_docs", "", ""},
	} {
		q, err := ParseQuery([]byte(c.query), "", DefaultLimit)
		if err != nil {
			t.Fatal(c.query, err)
		}
		p, err := NewPlan(q, indexes)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if p.Index.Name != c.index {
			t.Errorf("%s uses %s, want %s", c.query, p.Index.Name, c.index)
			continue
		}
		if c.low == "" {
			continue
		}
		if low, high := p.Keys(); string(low) != c.low || string(high) != c.high {
			t.Errorf("%s looks from %s to %s", c.query, low, high)
		}
	}
}

func TestNothingCanMatch(t *testing.T) {
	t.Parallel()
	indexes := testIndexes(t, "a: a")
	for query, empty := range map[string]bool{
		`{"a":{"$gt":5,"$lt":5}}`: true, `{"a":{"$gt":5,"$lte":5}}`: true, `{"a":{"$gte":5,"$lte":5}}`: false,
		`{"$and":[{"a":1},{"a":2}]}`: true, `{"$and":[]}`: true, `{"$or":[]}`: true, `{"a":1,"$or":[]}`: false,
		`{"_id":{"$gt":"b","$lt":"a"}}`: true, `{"$and":[{"a":5},{"a":{"$gte":5.0}}]}`: false,
	} {
		q, err := ParseQuery([]byte(`{"selector":`+query+`}`), "", DefaultLimit)
		if err != nil {
			t.Fatal(query, err)
		}
		p, err := NewPlan(q, indexes)
		if err != nil || p.Empty() != empty {
			t.Errorf("%s: empty is %v, %v", query, p.Empty(), err)
		}
	}
}

func TestPlanErrors(t *testing.T) {
	t.Parallel()
	indexes := testIndexes(t, "a: a")
	for _, c := range []struct{ query, reason string }{
		{`{"selector":{"b":1},"sort":["b"]}`, "No index exists for this sort, try indexing by the sort fields."},
		{`{"selector":{"a":1},"sort":["a","b"]}`, "No index exists for this sort, try indexing by the sort fields."},
		{`{"selector":{"a":1},"use_index":"x","allow_fallback":false}`,
			"_design/x specified by `use_index` could not be found or it is not suitable."},
		{`{"selector":{"a":1},"use_index":["d","x"],"allow_fallback":false}`,
			"_design/d, x specified by `use_index` could not be found or it is not suitable."},
		{`{"selector":{"b":1},"allow_fallback":false}`, "You must specify an index with the `use_index` parameter."},
		{`{"selector":{"a":1},"allow_fallback":false}`, ""},
	} {
		q, err := ParseQuery([]byte(c.query), "", DefaultLimit)
		if err != nil {
			t.Fatal(c.query, err)
		}
		_, err = NewPlan(q, indexes)
		var e *store.Error
		if c.reason == "" && err != nil || c.reason != "" && (!errors.As(err, &e) || e.Reason != c.reason) {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

func TestExplainJudgesIndexes(t *testing.T) {
	t.Parallel()
	q, err := ParseQuery([]byte(`{"selector":{"a":1,"z":{"$in":[1]}},"fields":["a","_id"]}`), "", DefaultLimit)
	if err != nil {
		t.Fatal(err)
	}
	out, err := Explain(nil, "db", q, testIndexes(t, "a: a", "a2: a", "b: b", "az: z,a", "part: p | {\"q\":1}"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Index      struct{ Name string }
		Covering   bool
		Candidates []struct {
			Index    struct{ Name string }
			Analysis struct {
				Usable   bool
				Reasons  []struct{ Name string }
				Covering any
			}
		} `json:"index_candidates"`
		Hints []struct {
			Indexable   []string `json:"indexable_fields"`
			Unindexable []string `json:"unindexable_fields"`
		} `json:"selector_hints"`
		Args struct {
			Start json.RawMessage `json:"start_key"`
			End   json.RawMessage `json:"end_key"`
		} `json:"mrargs"`
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, c := range got.Candidates {
		reasons[c.Index.Name] = c.Analysis.Reasons[0].Name
	}
	want := map[string]string{
		"_all_docs": "unfavored_type", "a2": "alphabetically_comes_after", "b": "field_mismatch", "az": "less_overlap", "part": "is_partial",
	}
	if got.Index.Name != "a" || got.Covering || len(reasons) != len(want) {
		t.Errorf("%s", out)
	}
	for name, reason := range want {
		if reasons[name] != reason {
			t.Errorf("%s: %s, want %s", name, reasons[name], reason)
		}
	}
	if h := got.Hints[0]; len(h.Indexable) != 1 || h.Indexable[0] != "a" || len(h.Unindexable) != 1 || h.Unindexable[0] != "z" {
		t.Errorf("hints %+v", got.Hints)
	}
	if string(got.Args.Start) != `[1]` || string(got.Args.End) != `[1,"<MAX>"]` {
		t.Errorf("range %s to %s", got.Args.Start, got.Args.End)
	}
}

func TestDesignDocuments(t *testing.T) {
	t.Parallel()
	add := func(body, request string) (string, bool, error) {
		c, err := ParseCreation([]byte(request))
		if err != nil {
			t.Fatal(request, err)
		}
		var old []byte
		if body != "" {
			old = []byte(body)
		}
		next, changed, err := c.AddTo(old)
		return string(next), changed, err
	}
	const one = `{"language":"query","views":{"i":{"map":{"fields":{"a":"desc"},"partial_filter_selector":{"b":{"$eq":1}}},` +
		`"reduce":"_count","options":{"def":{"fields":[{"a":"desc"}],"partial_filter_selector":{"b":1}}}}}}`
	request := `{"index":{"fields":[{"a":"desc"}],"partial_filter_selector":{"b":1}},"name":"i","ddoc":"d"}`
	if got, changed, err := add("", request); got != one || !changed || err != nil {
		t.Errorf("%s %v %v", got, changed, err)
	}
	if got, changed, err := add(one, request); got != one || changed || err != nil {
		t.Errorf("again: %s %v %v", got, changed, err)
	}
	two, changed, err := add(one, `{"index":{"fields":["c"]},"name":"j","ddoc":"d"}`)
	if err != nil || !changed || len(Indexes("_design/d", []byte(two), false)) != 2 {
		t.Errorf("a second one: %s %v %v", two, changed, err)
	}
	if got := string(Remove([]byte(two), "j")); got != one {
		t.Errorf("without j: %s", got)
	}
	if got := Remove([]byte(one), "i"); got != nil {
		t.Errorf("without any: %s", got)
	}
	if _, _, err := add(`{"views":{}}`, request); err == nil || err.Error() != "Existing design doc has an invalid language: false" {
		t.Errorf("in a design document of another language: %v", err)
	}
	if _, _, err := add(one, `{"index":{"fields":["c"]},"name":"j","ddoc":"d","partitioned":true}`); err == nil {
		t.Error("an option that the design document does not have is taken")
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	const doc = `{"_id":"x","a":{"b":1,"c":{"d":2}},"l":[5,{"k":6}],"e.f":3}`
	for fields, want := range map[string]string{
		`[]`: doc, `["a.b"]`: `{"a":{"b":1}}`, `["a.c.d","a.b"]`: `{"a":{"c":{"d":2},"b":1}}`, `["a","a.b"]`: `{"a":{"b":1,"c":{"d":2}}}`,
		`["a.b","a"]`: `{"a":{"b":1,"c":{"d":2}}}`, `["l.1.k"]`: `{"l":{"1":{"k":6}}}`, `["nope","a.nope.x"]`: `{}`, `["e\\.f","_id"]`: `{"e.f":3,"_id":"x"}`,
	} {
		f, err := ParseFields([]byte(fields))
		if err != nil {
			t.Errorf("%s: %v", fields, err)
		} else if got, err := f.Append(t.Context(), nil, []byte(doc)); err != nil || string(got) != want {
			t.Errorf("%s gives %s, want %s", fields, got, want)
		}
	}
}

func TestIndexKeys(t *testing.T) {
	t.Parallel()
	d, err := ParseDefinition([]byte(`{"fields":{"a.b":"asc","_id":"asc"},"partial_filter_selector":{"on":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		`{"_id":"x","a":{"b":[1]},"on":true}`: `[[1],"x"]`, `{"_id":"x","a":{"b":null},"on":true}`: `[null,"x"]`,
		`{"_id":"x","a":{"b":1},"on":false}`: "", `{"_id":"x","a":1,"on":true}`: "",
	} {
		if got, ok, err := d.AppendKey(t.Context(), nil, []byte(doc)); err != nil || string(got) != want || ok != (want != "") {
			t.Errorf("%s: %s %v", doc, got, ok)
		}
	}
}

// TestUnnamedIndexes: an index that the request leaves unnamed has the name that CouchDB 3.5.0 gives it.
func TestUnnamedIndexes(t *testing.T) {
	t.Parallel()
	for request, want := range map[string]string{
		`{"index":{"fields":["a"]}}`:                                   "_design/7095fd2321a986309496ad2ac9c3498246175757",
		`{"type":"json", "index":{"fields":["a"]},"w":2}`:              "_design/7095fd2321a986309496ad2ac9c3498246175757",
		`{"index":{"fields":["d"]},"name":"n"}`:                        "_design/2ba2b1fedec5fafe406b4cec47d3b99886fe14ea",
		`{"index":{"fields":["d"],"partial_filter_selector":{"a":1}}}`: "_design/bbeda94179c262b6f6aff75e1368b54681128d89",
		`{"index":{"fields":["d"]},"partitioned":false}`:               "_design/feabfd92c7ccba051135f49fbd7c75653f321ffe",
		`{"index":{"fields":[{"e":"desc"}]}}`:                          "_design/3c2c1061093b389cabfbcf454260bda85ab2c801",
	} {
		if c, err := ParseCreation([]byte(request)); err != nil || c.DDoc != want {
			t.Errorf("%s: %s %v, want %s", request, c.DDoc, err, want)
		}
	}
	c, err := ParseCreation([]byte(`{"index":{"fields":["_id"]},"ddoc":"dd1"}`))
	if err != nil || c.DDoc != "_design/dd1" || c.Name != "2029fedc21f7ccab3c2baca0cde1317a49cd8cea" {
		t.Errorf("%s %s %v", c.DDoc, c.Name, err)
	}
}
