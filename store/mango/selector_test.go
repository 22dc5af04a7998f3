package mango

import (
	"errors"
	"strings"
	"testing"

	"logctl/store"
)

func TestSelectorsAreWrittenOut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{`{}`, `{}`},
		{`{"a":1}`, `{"a":{"$eq":1}}`},
		{`{"a":{}}`, `{"a":{"$eq":{}}}`},
		{`{"a":1,"b":2}`, `{"$and":[{"a":{"$eq":1}},{"b":{"$eq":2}}]}`},
		{`{"a":{"b":{"c":1}}}`, `{"a.b.c":{"$eq":1}}`},
		{`{"a":{"$gt":1,"$lt":5}}`, `{"$and":[{"a":{"$gt":1}},{"a":{"$lt":5}}]}`},
		{`{"a":{"$or":[1,{"b":2}]}}`, `{"$or":[{"a":{"$eq":1}},{"a.b":{"$eq":2}}]}`},
		{`{"$not":{"a":{"$gt":10}}}`, `{"a":{"$lte":10}}`},
		{`{"$not":{"$and":[{"a":1},{"b":{"$lt":2}}]}}`, `{"$or":[{"a":{"$ne":1}},{"b":{"$gte":2}}]}`},
		{`{"$nor":[{"a":{"$in":[1]}},{"b":{"$exists":true}}]}`, `{"$and":[{"a":{"$nin":[1]}},{"b":{"$exists":false}}]}`},
		{`{"$not":{"$nor":[{"a":1},{"a":{"$not":{"$ne":2}}}]}}`, `{"$or":[{"a":{"$eq":1}},{"a":{"$eq":2}}]}`},
		{`{"a":{"$not":{"$regex":"x"}}}`, `{"a":{"$not":{"$regex":"x"}}}`},
		{`{"a":{"$elemMatch":{"$gt":1,"$lt":3}}}`, `{"a":{"$elemMatch":{"$and":[{"":{"$gt":1}},{"":{"$lt":3}}]}}}`},
		{`{"a":{"$elemMatch":{"b":{"c":{"$not":{"$lt":1}}}}}}`, `{"a":{"$elemMatch":{"$not":{"b.c":{"$lt":1}}}}}`},
		{`{"$text":"word"}`, `{"$default":{"$text":"word"}}`},
		{`{"a":1,"a":2}`, `{"a":{"$eq":2}}`},
	} {
		s, err := ParseSelector([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got := string(s.AppendJSON(nil))
		if got != c.want {
			t.Errorf("%s\n is %s\nwant %s", c.in, got, c.want)
		}
		again, err := ParseSelector([]byte(got))
		if err != nil || string(again.AppendJSON(nil)) != got {
			t.Errorf("%s is not written out the same again: %v", got, err)
		}
	}
}

func TestSelectorErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, word, reason string }{
		{`[]`, "invalid_selector_json", "Selector must be a JSON object, not: []"},
		{`{"a":{"$no":1}}`, "invalid_operator", "Invalid operator: $no"},
		{`{"a":{"$regex":1}}`, "invalid_operator", "Invalid operator: $regex"},
		{`{"a":{"$regex":"("}}`, "bad_arg", "Bad argument for operator $regex: <<40>>"},
		{`{"a":{"$in":"x"}}`, "bad_arg", "Bad argument for operator $in: <<120>>"},
		{`{"a":{"$mod":[1,2.5]}}`, "bad_arg", "Bad argument for operator $mod: [1,2.5]"},
		{`{"a":{"$size":-1}}`, "bad_arg", "Bad argument for operator $size: -1"},
		{`{"a":{"$exists":null}}`, "bad_arg", "Bad argument for operator $exists: null"},
		{`{"$and":{"a":"b"}}`, "bad_arg", "Bad argument for operator $and: {[{<<97>>,<<98>>}]}"},
		{`{"$not":1}`, "bad_arg", "Bad argument for operator $not: 1"},
		{`{"a":{"$where":"x"}}`, "not_supported", "Unsupported operator: $where"},
		{`{"$gt":5}`, "invalid_selector", "One or more conditions is missing a field name."},
		{`{"a..b":5}`, "invalid_field_name", "Invalid field name: a..b"},
		{`{"a":{"$text":"x"}}`, "bad_field", ""},
		{strings.Repeat(`{"a":`, maxDepth+2) + "1" + strings.Repeat("}", maxDepth+2), "invalid_selector", "The selector's conditions nest too deep."},
		{strings.Repeat(`{"a":`, 300) + `"` + strings.Repeat("x", 4<<20) + `"` + strings.Repeat("}", 300), "invalid_selector",
			"The selector's conditions nest too deep for its length."},
		{`{"$or":[1` + strings.Repeat(",1", maxConditions) + `]}`, "invalid_selector", "The selector has too many conditions."},
		{`{"a":{"$in":[1` + strings.Repeat(",1", maxListed/2) + `]},"b":{"$not":{"$all":[1` + strings.Repeat(",1", maxListed/2) + `]}}}`, "invalid_selector",
			"The selector's lists are longer than 1000000 elements in all: ask several times."},
		// What is read must be read again when it is written out.
		{`{"a":` + strings.Repeat(`{"$elemMatch":`, maxDepth*2/3) + `{"b":1}` + strings.Repeat("}", maxDepth*2/3+1), "invalid_selector",
			"The selector's conditions nest too deep."},
		{`{"a":1,"$or":[{"$gt":1}` + strings.Repeat(`,{"$gt":1}`, maxConditions*2/3) + `]}`, "invalid_selector", "The selector has too many conditions."},
		{strings.Repeat(`{"b":1,"`+strings.Repeat("k", maxPaths/10_000)+`":`, 200) + "1" + strings.Repeat("}", 200), "invalid_selector",
			"The names of the selector's fields are too long."},
		{`{"a":{"$regex":"` + strings.Repeat(".{900}", 60) + `"},"b":{"$not":{"$regex":"` + strings.Repeat("(x|[a-z]{2}){300}", 60) + `"}}}`,
			"invalid_selector", "The selector's regular expressions are too large."},
		{`{`, "bad_request", "invalid UTF-8 JSON"},
	} {
		_, err := ParseSelector([]byte(c.in))
		var e *store.Error
		if !errors.As(err, &e) || e.ErrorWord() != c.word || c.reason != "" && e.Reason != c.reason {
			t.Errorf("%.60s: %v, want %s: %s", c.in, err, c.word, c.reason)
		}
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	const doc = `{"_id":"b","n":5,"f":2.5,"s":"Ab\n","t":true,"z":null,"l":[1,"x",{"k":3}],"e":[],"o":{"in.ner":{"m":"q"},"p":[7]},` +
		`"big":12345678901234567890,"two":["a","b"]}`
	for _, c := range []struct {
		selector string
		want     bool
	}{
		{`{}`, true},
		{`{"n":5}`, true}, {`{"n":5.0}`, true}, {`{"n":"5"}`, false}, {`{"nope":{"$ne":1}}`, false},
		{`{"n":{"$gt":4,"$lt":6}}`, true}, {`{"n":{"$gte":6}}`, false}, {`{"n":{"$lt":"a"}}`, true}, {`{"s":{"$gt":9e9}}`, true},
		{`{"t":{"$gt":false}}`, true}, {`{"z":null}`, true}, {`{"z":{"$exists":true}}`, true}, {`{"y":{"$exists":false}}`, true},
		{`{"z":{"$exists":false}}`, false}, {`{"nope":{"$not":{"$exists":true}}}`, true},
		{`{"s":{"$gt":"aa"}}`, true}, {`{"s":"Ab\u000a"}`, true}, {`{"s":"ab\n"}`, false}, {`{"_id":{"$gt":"B"}}`, true}, {`{"_id":{"$lt":"B"}}`, false},
		{`{"_id":{"$gt":null}}`, true}, {`{"_id":{"$lt":{}}}`, false},
		{`{"o":{"in\\.ner":{"m":"q"}}}`, true}, {`{"o.in.ner.m":"q"}`, false}, {`{"o.p.0":7}`, true}, {`{"o.p.1":{"$exists":false}}`, true},
		{`{"l":{"$in":["x"]}}`, true}, {`{"n":{"$in":[4,5]}}`, true}, {`{"n":{"$nin":[4,5]}}`, false}, {`{"e":{"$nin":[1]}}`, true}, {`{"n":{"$in":[]}}`, false},
		{`{"l":{"$all":["x",1]}}`, true}, {`{"l":{"$all":["x",2]}}`, false}, {`{"two":{"$all":[["a","b"]]}}`, true}, {`{"l":{"$all":[]}}`, false},
		{`{"l":{"$elemMatch":{"k":3}}}`, true}, {`{"l":{"$elemMatch":{"$eq":"y"}}}`, false}, {`{"n":{"$elemMatch":{"$eq":5}}}`, false},
		{`{"two":{"$allMatch":{"$gte":"a","$lte":"b"}}}`, true}, {`{"two":{"$allMatch":{"$gt":"a"}}}`, false}, {`{"e":{"$allMatch":{"$gt":1}}}`, false},
		{`{"o":{"$keyMapMatch":{"$eq":"in.ner"}}}`, true}, {`{"o":{"$keyMapMatch":{"$eq":"inner"}}}`, false},
		{`{"l":{"$size":3}}`, true}, {`{"e":{"$size":0}}`, true}, {`{"s":{"$size":3}}`, false}, {`{"l":{"$size":99999999999999999999}}`, false},
		{`{"n":{"$mod":[3,2]}}`, true}, {`{"f":{"$mod":[2,0]}}`, false}, {`{"n":{"$mod":[0,1]}}`, false}, {`{"big":{"$mod":[7,1]}}`, true}, {`{"big":{"$mod":[7,2]}}`, false},
		{`{"s":{"$type":"string"}}`, true}, {`{"z":{"$type":"null"}}`, true}, {`{"t":{"$type":"boolean"}}`, true}, {`{"l":{"$type":"object"}}`, false},
		{`{"s":{"$regex":"^A"}}`, true}, {`{"s":{"$regex":"^(?=A)(?!AB)"}}`, true}, {`{"n":{"$regex":"5"}}`, false}, {`{"s":{"$not":{"$regex":"^A"}}}`, false},
		{`{"s":{"$beginsWith":"Ab"}}`, true}, {`{"s":{"$beginsWith":"ab"}}`, false}, {`{"n":{"$beginsWith":"5"}}`, false},
		{`{"$or":[{"n":1},{"n":5}]}`, true}, {`{"$nor":[{"n":1},{"n":5}]}`, false}, {`{"$and":[],"n":5}`, true}, {`{"$or":[],"n":5}`, true},
		{`{"l":[1,"x",{"k":3}]}`, true}, {`{"o":{"$lt":[]}}`, false}, {`{"big":{"$gt":12345678901234500000}}`, true},
		{`{"$text":"anything"}`, true},
	} {
		s, err := ParseSelector([]byte(c.selector))
		if err != nil {
			t.Errorf("%s: %v", c.selector, err)
		} else if got := match(t, s, doc); got != c.want {
			t.Errorf("%s: %v", c.selector, got)
		}
	}
}

func match(t testing.TB, s *Selector, doc string) bool {
	t.Helper()
	ok, err := s.Match(t.Context(), []byte(doc))
	if err != nil {
		t.Error(err)
	}
	return ok
}

func TestBacktrackingIsBounded(t *testing.T) {
	t.Parallel()
	s, err := ParseSelector([]byte(`{"a":{"$regex":"^(?=x)(x+x+)+y$"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if match(t, s, `{"a":"`+strings.Repeat("x", 5000)+`"}`) {
		t.Error("matches")
	}
}

func BenchmarkMatch(b *testing.B) {
	s, err := ParseSelector([]byte(`{"ip":"10.0.0.1","date":{"$gte":"2017-06-11"}}`))
	if err != nil {
		b.Fatal(err)
	}
	doc := []byte(`{"_id":"l01","_rev":"1-31f3c280da2a1eb86d6f89d9788eadb8","date":"2017-06-12","process":"sshd","machine":"server","ip":"10.0.0.1"}`)
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := s.Match(b.Context(), doc); !ok || err != nil {
			b.Fatal("no match")
		}
	}
}
