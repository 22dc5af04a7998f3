package viewopts

import (
	"encoding/json"
	"reflect"
	"testing"

	"logctl/store"
)

func TestCheckQuery(t *testing.T) {
	t.Parallel()
	for raw, ok := range map[string]bool{
		"": true, "a=b": true, "a=%20%2F": true, "%41%42=%43": true, "%": false, "a=%2": false, "a=%20%": false, "a=%20%zz": false, "a=%%20": false, "a=%2%20": false,
	} {
		if err := CheckQuery(raw); (err == nil) != ok || err != nil && !store.IsKind(err, store.KindBadRequest) {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	with := func(set func(q *store.ViewQuery)) store.ViewQuery {
		q := store.NewViewQuery()
		set(&q)
		return q
	}
	for _, c := range []struct {
		query, body string
		want        store.ViewQuery
	}{
		{"", "", store.NewViewQuery()},
		{"limit=5&skip=2", "", with(func(q *store.ViewQuery) { q.Limit, q.Skip = 5, 2 })},
		{"start_key=[1]&endkey=2", "", with(func(q *store.ViewQuery) { q.StartKey, q.EndKey = raw(`[1]`), raw(`2`) })},
		{`key="a"`, "", with(func(q *store.ViewQuery) { q.StartKey, q.EndKey = raw(`"a"`), raw(`"a"`) })},
		{"group_level=0", "", with(func(q *store.ViewQuery) { q.GroupLevelGiven = true })},
		{"reduce=false", "", with(func(q *store.ViewQuery) { q.NoReduce = true })},
		{"reduce=TRUE", "", with(func(q *store.ViewQuery) { q.Reduce = true })},
		{"inclusive_end=false&descending=true", "", with(func(q *store.ViewQuery) { q.ExclusiveEnd, q.Descending = true, true })},
		{"stale=update_after", "", with(func(q *store.ViewQuery) { q.Update = store.UpdateLazy })},
		{"unknown=1&limit=3&limit=4", "", with(func(q *store.ViewQuery) { q.Limit = 4 })},
		{"", `{"limit":1,"descending":true,"startkey":2}`, with(func(q *store.ViewQuery) { q.Limit, q.Descending, q.StartKey = 1, true, raw(`2`) })},
		{"keys=[1]", `{"keys":[2]}`, with(func(q *store.ViewQuery) {
			q.StartKey, q.EndKey, q.Keys = raw(`1`), raw(`1`), []json.RawMessage{raw(`2`)}
		})},
		{"keys=[]", "", with(func(q *store.ViewQuery) { q.Keys = []json.RawMessage{} })},
		{"keys=[1, 2]", "", with(func(q *store.ViewQuery) { q.Keys = []json.RawMessage{raw(`1`), raw(`2`)} })},
		{"keys=[1]", "", with(func(q *store.ViewQuery) {
			q.StartKey, q.EndKey, q.Keys = raw(`1`), raw(`1`), []json.RawMessage{raw(`1`)}
		})},
		{"stale=ok", "", with(func(q *store.ViewQuery) { q.Update = store.UpdateFalse })},
		{"update=false", "", with(func(q *store.ViewQuery) { q.Update = store.UpdateFalse })},
		{"update=lazy", "", with(func(q *store.ViewQuery) { q.Update = store.UpdateLazy })},
		{"update=lazy&update=true&stable=true&stable=false", "", store.NewViewQuery()},
		{"group=true&group_level=2", "", with(func(q *store.ViewQuery) { q.GroupLevel, q.GroupLevelGiven = 2, true })},
		{"group=true", "", with(func(q *store.ViewQuery) { q.Group = true })},
		{"group=false&group_level=0", "", with(func(q *store.ViewQuery) { q.GroupLevelGiven = true })},
		{"group=false&group_level=1&group=true", "", with(func(q *store.ViewQuery) { q.GroupLevel, q.GroupLevelGiven = 1, true })},
		{"include_docs=true&conflicts=true&update_seq=true&sorted=false&attachments=true&att_encoding_info=true", "", with(func(q *store.ViewQuery) {
			q.IncludeDocs, q.Conflicts, q.UpdateSeq, q.Unsorted, q.Attachments, q.AttEncodingInfo = true, true, true, true, true, true
		})},
		{"sorted=true&inclusive_end=true", "", store.NewViewQuery()},
		{"partition=a&end_key_doc_id=%22y&startkey_docid=%zz", "", with(func(q *store.ViewQuery) { q.Partition, q.EndDocID, q.StartDocID = "a", `"y`, "%zz" })},
		{"", `{"partition":"a","endkey_docid":"y\u0041","start_key_doc_id":5}`, with(func(q *store.ViewQuery) { q.Partition, q.EndDocID, q.StartDocID = "a", "yA", "5" })},
		{"limit=%2B5;skip=-0", "", with(func(q *store.ViewQuery) { q.Limit, q.Skip = 5, 0 })},
		{"limit=576460752303423487&skip=576460752303423488", "", with(func(q *store.ViewQuery) { q.Limit, q.Skip = MaxLimit, MaxLimit })},
		{"%zz=1&limit=1", "", with(func(q *store.ViewQuery) { q.Limit = 1 })},
		{"", `{"reduce":"false"}`, with(func(q *store.ViewQuery) { q.NoReduce = true })},
		{"startkey_docid=x", "", with(func(q *store.ViewQuery) { q.StartDocID = "x" })},
	} {
		var body json.RawMessage
		if c.body != "" {
			body = raw(c.body)
		}
		got, err := Parse(ParseQuery(c.query), body, true)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q %s: %+v, %v; want %+v", c.query, c.body, got, err, c.want)
		}
	}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, body, reason string }{
		{"limit=x", "", `Invalid value for integer: "x"`},
		{"limit=", "", `Invalid value for integer: []`},
		{"limit=--1", "", `Invalid value for integer: "--1"`},
		{"limit=-1", "", `Invalid value for positive integer: "-1"`},
		{"group_level=-1", "", `Invalid value for positive integer: "-1"`},
		{"limit=99999999999999999999", "", "Limit is too large, must not exceed 576460752303423487"},
		{"limit=576460752303423488", "", "Limit is too large, must not exceed 576460752303423487"},
		{"group=false&group_level=1", "", "Can't specify group=false and group_level>0 at the same time"},
		{"descending=maybe", "", `Invalid boolean parameter: "maybe"`},
		{"descending=", "", `Invalid boolean parameter: []`},
		{"startkey=abc", "", "invalid UTF-8 JSON"},
		{"keys=5", "", "`keys` must be an array of strings."},
		{"keys=[", "", "invalid UTF-8 JSON"},
		{"update=maybe", "", "Invalid value for `update`."},
		{"update=ok", "", "Invalid value for `update`."},
		{"stale=false", "", "Invalid value for `stale`."},
		{"stale=true", "", "Invalid value for `stale`."},
		{"stable=ok", "", "Invalid value for `stable`."},
		{"partition=", "", "Partition must not be empty"},
		{"partition=_a", "", "Partition must not start with an underscore"},
		{"partition=a:b", "", "Partition must not contain a colon"},
		{"", `{"limit":"x"}`, `Invalid value for integer: <<"x">>`},
		{"", `{"limit":1.5}`, `Invalid value for integer: 1.5`},
		{"", `{"reduce":"maybe"}`, `Invalid boolean parameter: "maybe"`},
		{"", `{"reduce":""}`, `Invalid boolean parameter: []`},
		{"", `{"reduce":[]}`, `Invalid boolean parameter: []`},
		{"", `{"reduce":null}`, `Invalid boolean parameter: null`},
		{"reduce=true", `{"keys":{}}`, "`keys` must be an array of strings."},
	} {
		var body json.RawMessage
		if c.body != "" {
			body = raw(c.body)
		}
		_, err := Parse(ParseQuery(c.query), body, false)
		if err == nil || err.Error() != c.reason {
			t.Errorf("%q %s: %v, want %s", c.query, c.body, err, c.reason)
		}
	}
}

// Of several queries each has the options that stand before all of them, but for keys and grouping.
func TestEach(t *testing.T) {
	t.Parallel()
	o := NewReader()
	if err := o.Params(ParseQuery("limit=3&keys=[1,2]&group=false&group_level=2")); err != nil {
		t.Fatal(err)
	}
	each := o.Each()
	want := store.NewViewQuery()
	want.Limit = 3
	if q, err := each.Query(); err != nil || !reflect.DeepEqual(q, want) {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := o.Query(); err == nil {
		t.Error("what was read first is gone")
	}
}

// FuzzParse looks for options that panic.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"key=1", `startkey="a"&endkey=[{}]`, "keys=[1,2]&limit=3", "group_level=9&stale=ok", "limit=-0", "skip=&reduce=",
		"descending=true;inclusive_end=FALSE&group=true&include_docs=1&update_seq&stable=false", "update=lazy&partition=a:b&startkey_docid=%00&end_key_doc_id=_",
		"keys=[]&keys=[[]]&key=%22%ff%22&skip=99999999999999999999&group_level=%2b1"} {
		f.Add(s, "{}")
	}
	f.Add("", `{"keys":[1],"limit":"3","descending":"true"}`)
	f.Add("limit", `{"keys":{"a":[]},"skip":1e2,"group":null,"partition":{},"stale":["ok"],"startkey_docid":"\ud83d\ude00","reduce":"\u0000"}`)
	f.Fuzz(func(t *testing.T, query, body string) {
		var members map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &members) != nil {
			body = "{}"
		}
		_, _ = Parse(ParseQuery(query), raw(body), true)
	})
}
