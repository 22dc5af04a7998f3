package viewopts

import (
	"encoding/json"
	"reflect"
	"testing"

	"logctl/store"
)

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
	for query, reason := range map[string]string{
		"limit=x":                    `Invalid value for integer: "x"`,
		"limit=-1":                   `Invalid value for positive integer: "-1"`,
		"limit=99999999999999999999": "Limit is too large, must not exceed 576460752303423487",
		"descending=maybe":           `Invalid boolean parameter: "maybe"`,
		"startkey=abc":               "invalid UTF-8 JSON",
		"keys=5":                     "`keys` must be an array of strings.",
		"update=maybe":               "Invalid value for `update`.",
	} {
		_, err := Parse(ParseQuery(query), nil, false)
		if err == nil || err.Error() != reason {
			t.Errorf("%q: %v, want %s", query, err, reason)
		}
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
