package view

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/store"
	"logctl/store/view/btree"
)

func TestParseDesignRefuses(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"views":[]}`:                        "`views` field must have object type",
		`{"views":null}`:                      "`views` field must have object type",
		`{"views":{"v":"function(doc){}"}}`:   "`views.v` field must have object type",
		`{"views":{"v":{"map":5}}}`:           "`views.v.map` field must have string type",
		`{"views":{"v":{"reduce":"_count"}}}`: "View `v` must contain map function",
		`{"language":5,"views":{}}`:           "`language` field must have string type",
		`{"views":{"v":{"map":"function(doc){}","reduce":"_nosuch"}}}`: "`_nosuch` is not a supported reduce function.",
		`{"views":{"v":{"map":"function(doc){}","reduce":5}}}`:         "`views.v.reduce` field must have string type",
		`{"views":{},"options":5}`:                                     "`options` field must have object type",
		`{"filters":"x"}`:                                              "`filters` field must have object type",
		`{"filters":{"f":5}}`:                                          "`filters.f` field must have string or object type",
		`{"validate_doc_update":5}`:                                    "`validate_doc_update` field must have string type",
		`{"validate_doc_update":{}}`:                                   "`validate_doc_update` field must have string type",
		`{"updates":[]}`:                                               "`updates` field must have object type",
		`{"shows":1}`:                                                  "`shows` field must have object type",
		`{"lists":{"l":5}}`:                                            "`lists.l` field must have string or object type",
		`{"rewrites":5}`:                                               "`rewrites` field must have array or string type",
	} {
		_, err := ParseDesign("_design/x", []byte(body))
		var e *store.Error
		if !errors.As(err, &e) || e.Kind.Status() != 400 || e.ErrorWord() != "invalid_design_doc" || e.Reason != want {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	if _, err := ParseDesign("_design/x", []byte(`{"views":{"v":{"map":""}}}`)); !store.IsKind(err, store.KindNotFound) {
		t.Errorf("empty map: %v", err)
	}
	for _, body := range []string{`{}`, `{"views":{}}`, `{"language":"query","views":{"i":{"map":{"fields":{"a":"asc"}},"reduce":"_count"}}}`,
		`{"rewrites":"x","filters":{"f":"function(){}","g":{}},"views":{"lib":{"a":"exports.x = 1"}}}`} {
		if _, err := ParseDesign("_design/x", []byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"views":{"v":{"map":"function(doc { emit(1) }"}}}`: "Compilation of the map function in the 'v' view failed: Line 1",
		`{"views":{"v":{"map":"var x = 5"}}}`: "Compilation of the map function in the 'v' view failed: " +
			"Expression does not eval to a function. (var x = 5)",
		`{"views":{"v":{"map":"function(doc){}","reduce":"function(k,v { return 1}"}}}`:                                               "Compilation of the reduce function in the 'v' view failed: Line 1",
		`{"views":{"v":{"map":"function(doc){}","reduce":"function(k,v) { return 1}"},"w":{"map":"doc => emit(1)","reduce":"_sum"}}}`: "",
		`{"language":"ruby","views":{"v":{"map":"x"}}}`:                                                                               "",
	} {
		err := design(t, body).Validate()
		if want == "" && err == nil {
			continue
		}
		if !store.IsKind(err, store.KindCompilation) || !strings.HasPrefix(err.Error(), want) || want == "" {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	one := `{"language":"javascript","views":{"a":{"map":"function(doc) { emit(1) }"},"b":{"map":"function(doc) { emit(2) }","reduce":"_count"}}}`
	same := `{"_id":"_design/other","views":{ "b":{"reduce":"_count","map":"function(doc) { emit(2) }"},"a":{"map":"function(doc) { emit(1) }"}},"filters":{}}`
	sig := design(t, one).Signature()
	if len(sig) != 32 || sig != design(t, same).Signature() {
		t.Errorf("signatures of the same views differ: %s", sig)
	}
	for _, change := range []string{"emit(1)|emit(3)", `"_count"|"_sum"`, `"a":|"c":`, `"javascript"|"JavaScripT2"`, `"views"|"options":{"collation":"raw"},"views"`,
		`"views":{|"views":{"lib":{"x":"1"},`} {
		from, to, _ := strings.Cut(change, "|")
		if design(t, strings.Replace(one, from, to, 1)).Signature() == sig {
			t.Errorf("%s does not change the signature", change)
		}
	}
}

// run puts docs into a database and queries it.
func run(t *testing.T, o Options, docs, designBody, view, params string) (string, error) {
	t.Helper()
	m := New(o)
	defer m.Close()
	db := newFakeDB()
	db.putJSON(t, docs)
	return answerOf(m, db, design(t, designBody), view, query(t, params))
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	_, err := run(t, Options{}, `[{"_id":"a"}]`, `{"language":"ruby","views":{"v":{"map":"x"}}}`, "v", "")
	var e *store.Error
	if !errors.As(err, &e) || e.Kind.Status() != 500 || e.ErrorWord() != "unknown_query_language" || e.Reason != "ruby" {
		t.Errorf("ruby: %v", err)
	}
	got, err := run(t, Options{}, `[{"_id":"a"}]`, `{"language":"JavaScript","views":{"v":{"map":"function(doc) { emit(1) }"}}}`, "v", "")
	if err != nil || got != "0/1\n1 @a = null" {
		t.Errorf("JavaScript: %s, %v", got, err)
	}
}

func TestDesignOptions(t *testing.T) {
	t.Parallel()
	docs := `[{"_id":"a","k":"b"},{"_id":"b","k":"A"},{"_id":"c","k":[1]},{"_id":"d","k":{"x":1}},{"_id":"e","k":5},{"_id":"f","k":null},{"_id":"_design/x"}]`
	for _, tt := range []struct{ options, mapBody, params, want string }{
		{`{}`, `emit(doc.k)`, ``, "0/6\nnull @f = null\n5 @e = null\n\"A\" @b = null\n\"b\" @a = null\n[1] @c = null\n{\"x\":1} @d = null"},
		{`{"collation":"raw"}`, `emit(doc.k)`, ``, "0/6\n5 @e = null\nnull @f = null\n{\"x\":1} @d = null\n[1] @c = null\n\"A\" @b = null\n\"b\" @a = null"},
		{`{"collation":"raw"}`, `emit(doc.k)`, `startkey="A" endkey="a"`, "4/6\n\"A\" @b = null"},
		{`{"include_design":true}`, `if (doc._id[0] == "_") emit(doc._id)`, ``, "0/1\n\"_design/x\" @_design/x = null"},
		{`{"local_seq":true}`, `if (doc._id == "c") emit(doc._local_seq)`, ``, "0/1\n3 @c = null"},
	} {
		got, err := run(t, Options{}, docs, `{"options":`+tt.options+`,"views":{"v":{"map":"function(doc) { `+strings.ReplaceAll(tt.mapBody, `"`, `\"`)+` }"}}}`, "v", tt.params)
		if err != nil || got != tt.want {
			t.Errorf("%s %s: %v\n got %s\nwant %s", tt.options, tt.params, err, got, tt.want)
		}
	}
}

// TestConflicts: map functions see the leaves beside the winner, those that are deleted apart.
func TestConflicts(t *testing.T) {
	t.Parallel()
	leaf := func(hash string, deleted bool) store.Leaf {
		return store.Leaf{Rev: store.Rev{Gen: 1, Hash: hash}, Deleted: deleted}
	}
	for _, c := range []struct {
		leaves []store.Leaf
		want   string
	}{
		{nil, `[null,null]`},
		{[]store.Leaf{leaf("b", false), leaf("a", false)}, `[["1-b","1-a"],null]`},
		{[]store.Leaf{leaf("c", true), leaf("b", true)}, `[null,["1-c","1-b"]]`},
		{[]store.Leaf{leaf("a", false), leaf("c", true)}, `[["1-a"],["1-c"]]`},
	} {
		m := New(Options{Workers: 1})
		defer m.Close()
		db := newFakeDB()
		db.put("x", `{}`)
		db.changes[0].Conflicts = c.leaves
		d := design(t, `{"views":{"v":{"map":"function(d) { emit(null, [d._conflicts, d._deleted_conflicts].map(function(v) { return v || null })) }"}}}`)
		got, err := answerOf(m, db, d, "v", query(t, ""))
		if want := "0/1\nnull @x = " + c.want; err != nil || got != want {
			t.Errorf("%v: %s %v, want %s", c.leaves, got, err, want)
		}
	}
}

func TestDocIDBounds(t *testing.T) {
	t.Parallel()
	docs := `[{"_id":"a","k":1},{"_id":"b","k":1},{"_id":"c","k":1},{"_id":"d","k":2}]`
	body := `{"views":{"v":{"map":"function(doc) { emit(doc.k); emit(doc.k) }"}}}`
	for params, want := range map[string]string{
		`startkey=1 startkey_docid=b`:                                 "2/8 bbccdd",
		`startkey_docid=b`:                                            "0/8 aabbccdd",
		`startkey=1 startkey_docid=b endkey=1 endkey_docid=b`:         "2/8 bb",
		`endkey=1 endkey_docid=b`:                                     "0/8 aabb",
		`endkey=1 endkey_docid=b inclusive_end=false`:                 "0/8 aa",
		`endkey=2 inclusive_end=false`:                                "0/8 aabbcc",
		`descending=true startkey=1 startkey_docid=b`:                 "4/8 bbaa",
		`descending=true startkey=1 endkey=1 endkey_docid=b`:          "2/8 ccbb",
		`descending=true endkey=1 endkey_docid=b inclusive_end=false`: "0/8 ddcc",
		`descending=true endkey=1 inclusive_end=false`:                "0/8 dd",
		`key=1 skip=3 limit=2`:                                        "3/8 bc",
		`keys=[2,1] skip=1 limit=3`:                                   "7/8 daa",
		`keys=[1] startkey_docid=b`:                                   "2/8 bbcc",
		`keys=[2,1] startkey_docid=b endkey_docid=b`:                  "2/8 bb",
		`key=1 inclusive_end=false`:                                   "0/8 ",
	} {
		got, err := run(t, Options{}, docs, body, "v", params)
		lines := strings.Split(got, "\n")
		ids := ""
		for _, l := range lines[1:] {
			_, rest, _ := strings.Cut(l, "@")
			ids += rest[:1]
		}
		if err != nil || lines[0]+" "+ids != want {
			t.Errorf("%s: %s %s, %v, want %s", params, lines[0], ids, err, want)
		}
	}
	for _, params := range []string{`startkey=2 endkey=1`, `descending=true startkey=1 endkey=2`, `startkey=1 startkey_docid=b endkey=1.0 endkey_docid=a`,
		`keys=[1] startkey=1`} {
		if _, err := run(t, Options{}, docs, body, "v", params); !store.IsKind(err, store.KindQueryParse) {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func TestBadFunctions(t *testing.T) {
	t.Parallel()
	hasty := Options{MapTimeout: 50 * time.Millisecond}
	for body, want := range map[string]string{
		`{"views":{"v":{"map":"function(doc) { emit(1) }"},"w":{"map":"function(doc) { for (;;); }"}}}`:                      "OS process timed out.",
		`{"views":{"v":{"map":"function(doc) { emit(1) }","reduce":"function(k, v) { for (;;); }"}}}`:                        "OS process timed out.",
		`{"views":{"v":{"map":"function(doc) { emit(1) }"},"w":{"map":"function(doc) { emit(1, 'x') }","reduce":"_stats"}}}`: `non-numeric _stats input: "x"`,
	} {
		o := Options{}
		if strings.Contains(body, "for (;;)") {
			o = hasty
		}
		_, err := run(t, o, `[{"_id":"a"}]`, body, "v", "")
		if err == nil || err.Error() != want || store.KindOf(err).Status() != 500 {
			t.Errorf("%s: %v", body, err)
		}
	}
	got, err := run(t, Options{}, `[{"_id":"a"},{"_id":"b"}]`, `{"views":{"v":{"map":"function(doc) { emit(doc._id, 1) }","reduce":"function(k, v) { throw 1 }"}}}`, "v", "")
	if err != nil || got != "reduced\nnull = null" {
		t.Errorf("a reduce that throws: %s, %v", got, err)
	}
	got, err = run(t, Options{}, `[{"_id":"a"},{"_id":"b"}]`,
		`{"views":{"v":{"map":"function(doc) { if (doc._id == 'a') for (;;) emit(1); emit(2) }"}}}`, "v", "")
	if err != nil || got != "0/1\n2 @b = null" {
		t.Errorf("a map that emits without end: %s, %v", got, err)
	}
}

// TestManyRows has more rows than are mapped before some are applied.
func TestManyRows(t *testing.T) {
	t.Parallel()
	m := New(Options{Workers: 3})
	m.gatherBytes = 1
	defer m.Close()
	db := newFakeDB()
	const docs = 3*chunkDocs + 5
	for i := range docs {
		db.put(fmt.Sprintf("doc%03d", (i*89)%docs), `{"n":1}`)
	}
	d := design(t, `{"views":{"v":{"map":"function(doc) { for (var i = 0; i < 1000; i++) emit([doc._id, i], doc.n) }","reduce":"_sum"}}}`)
	got, err := answerOf(m, db, d, "v", store.NewViewQuery())
	if want := fmt.Sprintf("reduced\nnull = %d", docs*1000); err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	if kv, _ := db.Index(d.Signature()); kv.(*memoryKV).writes < 2 {
		t.Error("all rows were applied at once")
	}
}

func TestApproxCountDistinct(t *testing.T) {
	t.Parallel()
	got, err := run(t, Options{}, `[{"_id":"a","k":[1,1]},{"_id":"b","k":[1,1]},{"_id":"c","k":[1,2]},{"_id":"d","k":[2,1]}]`,
		`{"views":{"v":{"map":"function(doc) { emit(doc.k) }","reduce":"_approx_count_distinct"}}}`, "v", "group_level=1")
	if err != nil || got != "reduced\n[1] = 2\n[2] = 1" {
		t.Errorf("%s, %v", got, err)
	}
}

// FuzzHeader gives arbitrary headers to the reader, as they are and with a right checksum.
func FuzzHeader(f *testing.F) {
	for _, h := range []header{{seq: 5, roots: make([]btree.Root, 1)}, {seq: 300, purge: 2, roots: []btree.Root{{ID: 7, Height: 2, Rows: 300, Next: 9, Bytes: 1 << 20}, {}}}} {
		data := h.append(nil)
		f.Add(data[:len(data)-checksumSize], len(h.roots)-1)
	}
	f.Fuzz(func(t *testing.T, body []byte, views int) {
		views = min(max(views, 0), 8)
		_, _ = parseHeader(body, views)
		data := binary.LittleEndian.AppendUint32(slices.Clone(body), crc32.Checksum(body, castagnoli))
		h, err := parseHeader(data, views)
		if err == nil && string(h.append(nil)) != string(data) {
			again, err := parseHeader(h.append(nil), len(h.roots)-1)
			if err != nil || again.seq != h.seq {
				t.Fatalf("%x came back as %x", data, h.append(nil))
			}
		}
		_ = docRows(body, func(int, []byte, uint32) {})
	})
}

func TestRepeatedKeys(t *testing.T) {
	t.Parallel()
	docs := `[{"_id":"a"}]`
	body := `{"views":{"v":{"map":"function(doc) { ['b', 'a', [2], {x: 1}, null, true, false, 10, 9.5, 'B', [1, 2], {}].forEach(function(v) { emit(1, v) }); emit(0, 'x') }"}}}`
	got, err := run(t, Options{}, docs, body, "v", "")
	want := "0/13\n0 @a = \"x\""
	for _, v := range []string{`9.5`, `10`, `false`, `null`, `true`, `{}`, `{"x":1}`, `[1,2]`, `[2]`, `"B"`, `"a"`, `"b"`} {
		want += "\n1 @a = " + v
	}
	if err != nil || got != want {
		t.Errorf("%v, %s\nwant %s", err, got, want)
	}
}

func TestCollationOfAView(t *testing.T) {
	t.Parallel()
	docs := `[{"_id":"a","k":"b"},{"_id":"b","k":"B"},{"_id":"c","k":null},{"_id":"d","k":1}]`
	body := `{"views":{"raw":{"map":"function(doc) { emit(doc.k) }","options":{"collation":"raw"}},"icu":{"map":"function(doc) { emit(doc.k) }"}}}`
	for view, want := range map[string]string{"raw": `1,null,"B","b"`, "icu": `null,1,"b","B"`} {
		got, err := run(t, Options{}, docs, body, view, "")
		var keys []string
		for _, l := range strings.Split(got, "\n")[1:] {
			key, _, _ := strings.Cut(l, " ")
			keys = append(keys, key)
		}
		if err != nil || strings.Join(keys, ",") != want {
			t.Errorf("%s: %v, %v, want %s", view, keys, err, want)
		}
	}
}
