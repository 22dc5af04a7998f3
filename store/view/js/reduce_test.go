package js

import (
	"errors"
	"sync"
	"testing"
	"time"

	"logctl/store"
)

type testRow struct {
	key   []byte
	id    string
	value []byte
}

type testRows []testRow

func (r testRows) Len() int           { return len(r) }
func (r testRows) Key(i int) []byte   { return r[i].key }
func (r testRows) ID(i int) string    { return r[i].id }
func (r testRows) Value(i int) []byte { return r[i].value }

func TestReduce(t *testing.T) {
	t.Parallel()
	rows := testRows{{[]byte(`["a",1]`), "x", []byte(`[1,{"k":2}]`)}, {[]byte(`"b"`), "y", []byte(`3`)}}
	for src, want := range map[string]string{
		`function(keys, values, rereduce) { return [keys, values, rereduce] }`:                                                            `[[[["a",1],"x"],["b","y"]],[[1,{"k":2}],3],false]`,
		`function(keys, values) { return keys.map(function(k) { return k[1] }).sort().reverse() }`:                                        `["y","x"]`,
		`function(keys, values) { return keys.length + values.length }`:                                                                   `4`,
		`function(keys, values) { return keys.concat([[3]])[0].concat(4) }`:                                                               `[["a",1],"x",4]`,
		`function(keys) { var k = keys[1]; return [Array.isArray(k), k instanceof Array, k + "", k.length, k.slice(1), 1 in k, 2 in k] }`: `[true,true,"b,y",2,["y"],true,false]`,
		`function(keys) { keys[0].push(2, 3); keys[0].shift(); keys[1].length = 1; keys[1][0] = null; return keys }`:                      `[["x",2,3],[null]]`,
		`function(keys) { for (var i in keys[1]) { delete keys[1][i] } keys[1].unshift(5); return keys[1] }`:                              `[5,null,null]`,
		`function(keys, values) { throw "no" }`:                                                                                           `null`,
		`function(keys, values) { }`:                                                                                                      `null`,
		`function(keys, values) { return values.nope.x }`:                                                                                 `null`,
	} {
		r, err := NewReducer(src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Reduce([]byte("="), rows)
		if err != nil || string(got) != "="+want {
			t.Errorf("%s\n got %s, %v\nwant %s", src, got, err, want)
		}
	}
}

// looks is a row that tells what is asked of it.
type looks struct {
	testRows
	keys, ids int
}

func (l *looks) Key(i int) []byte {
	l.keys++
	return l.testRows.Key(i)
}

func (l *looks) ID(i int) string {
	l.ids++
	return l.testRows.ID(i)
}

// TestReduceLooks: keys and ids are asked for when the function looks at them, and once: ids stand elsewhere.
func TestReduceLooks(t *testing.T) {
	t.Parallel()
	for src, want := range map[string][2]int{
		`function(keys, values) { return values }`:                  {0, 0},
		`function(keys, values) { return keys[1][0] + keys[1][0] }`: {1, 0},
		`function(keys, values) { return keys[0][1] + keys[0][1] }`: {0, 1},
		`function(keys, values) { return JSON.stringify(keys) }`:    {2, 2},
	} {
		r, err := NewReducer(src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := &looks{testRows: testRows{{[]byte(`1`), "x", []byte(`3`)}, {[]byte(`2`), "y", []byte(`4`)}}}
		if _, err := r.Reduce(nil, l); err != nil || l.keys != want[0] || l.ids != want[1] {
			t.Errorf("%s: looked at %d keys and %d ids, %v, want %d", src, l.keys, l.ids, err, want)
		}
	}
}

func TestRereduce(t *testing.T) {
	t.Parallel()
	r, err := NewReducer(`function(keys, values, rereduce) { return [keys, sum(values), rereduce] }`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := r.Rereduce(nil, [][]byte{[]byte("1"), []byte("2.5")})
			if err != nil || string(got) != `[null,3.5,true]` {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
	all.Wait()
}

func TestReduceTimeout(t *testing.T) {
	t.Parallel()
	r, err := NewReducer(`function(keys, values) { for (;;); }`, Options{Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.Rereduce(nil, nil); !store.IsKind(err, store.KindOSProcess) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	v, err := NewValidator(`function(newDoc, oldDoc, userCtx, secObj) {
		if (newDoc._deleted) return;
		if (!newDoc.date) throw({forbidden: "a log line needs a date"});
		if (newDoc.who && newDoc.who != userCtx.name) throw({unauthorized: "not you"});
		if (oldDoc && oldDoc.date != newDoc.date) throw({forbidden: "date is fixed"});
		if (newDoc.boom) throw("boom");
		if (newDoc.list) throw(["error", "word", "why"]);
		if (newDoc.object) throw({error: "word", reason: "why"});
		if (newDoc.err) return newDoc.a.b;
		newDoc.changed = true;
		if (newDoc.roles) throw({forbidden: JSON.stringify([userCtx.roles, newDoc.changed, secObj.members.names.length])}) }`, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		doc, old     string
		kind         store.Kind
		word, reason string
	}{
		{`{"_id":"a","date":"x"}`, "", 0, "", ""},
		{`{"_id":"a","_deleted":true}`, "", 0, "", ""},
		{`{"_id":"a"}`, "", store.KindForbidden, "forbidden", "a log line needs a date"},
		{`{"_id":"a","date":"x","who":"z"}`, "", store.KindUnauthorized, "unauthorized", "not you"},
		{`{"_id":"a","date":"x"}`, `{"date":"y"}`, store.KindForbidden, "forbidden", "date is fixed"},
		{`{"_id":"a","date":"x","boom":1}`, "", store.KindInternal, "unknown_error", "boom"},
		{`{"_id":"a","date":"x","list":1}`, "", store.KindInternal, "word", "why"},
		{`{"_id":"a","date":"x","object":1}`, "", store.KindInternal, "word", "why"},
		{`{"_id":"a","date":"x","err":1}`, "", store.KindInternal, "TypeError", "Cannot read property 'b' of undefined"},
		{`{"_id":"a","date":"x","roles":1}`, "", store.KindForbidden, "forbidden", "[[],true,1]"},
	} {
		var old []byte
		if tt.old != "" {
			old = []byte(tt.old)
		}
		err := v.Validate([]byte(tt.doc), old, []byte(`{"name":"me","roles":[]}`), []byte(`{"members":{"names":["me"]}}`))
		var e *store.Error
		if tt.word == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.doc, err)
			}
		} else if !errors.As(err, &e) || e.Kind != tt.kind || e.ErrorWord() != tt.word || e.Reason != tt.reason {
			t.Errorf("%s: got %#v, want %s %q", tt.doc, err, tt.word, tt.reason)
		}
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		src  string
		view bool
		want bool
		kind string
	}{
		{`function(doc, req) { return doc.kind == req.query.kind }`, false, true, ""},
		{`function(doc, req) { return doc.n ? "yes" : 0 }`, false, false, ""},
		{`function(doc, req) { throw({forbidden: "no"}) }`, false, false, "forbidden"},
		{`function(doc, req) { return doc.a.b.c }`, false, false, "TypeError"},
		{`function(doc) { if (doc.kind) emit(1) }`, true, true, ""},
		{`function(doc) { if (!doc.kind) emit(1) }`, true, false, ""},
		{`function(doc) { emit(1); doc.a.b.c }`, true, false, ""},
	} {
		make := NewFilter
		if tt.view {
			make = NewViewFilter
		}
		f, err := make(tt.src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Filter([]byte(`{"kind":"even"}`), []byte(`{"query":{"kind":"even"}}`))
		var e *store.Error
		if got != tt.want || (err == nil) != (tt.kind == "") || errors.As(err, &e) && e.ErrorWord() != tt.kind {
			t.Errorf("%s: got %v, %v", tt.src, got, err)
		}
	}
	if _, err := NewFilter("nonsense(", Options{}); !store.IsKind(err, store.KindCompilation) {
		t.Errorf("bad source: %v", err)
	}
}
