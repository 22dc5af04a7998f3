package ejson

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

func TestSplitDoc(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("c", 32)
	for _, c := range []struct {
		in   string
		body string
		want store.Doc
	}{
		{in: `{}`, body: `{}`},
		{in: ` { "a" : 1 } `, body: `{"a":1}`},
		{in: `{"_id":"x","a":1}`, body: `{"a":1}`, want: store.Doc{ID: "x"}},
		{in: `{"a":1,"_id":"x"}`, body: `{"a":1}`, want: store.Doc{ID: "x"}},
		{in: `{ "a" : 1 , "_id" : "x" , "b" : 2 }`, body: `{"a":1,"b":2}`, want: store.Doc{ID: "x"}},
		{in: `{"_rev":"1-a","_id":"x"}`, body: `{}`, want: store.Doc{ID: "x", Rev: store.Rev{Gen: 1, Hash: "a"}}},
		{in: `{"_rev":"1-a","a":1,"_id":"x","_deleted":true}`, body: `{"a":1}`,
			want: store.Doc{ID: "x", Rev: store.Rev{Gen: 1, Hash: "a"}, Deleted: true}},
		{in: `{"_deleted":false,"a":1}`, body: `{"a":1}`},
		{in: `{"_rev":"2-` + strings.ToUpper(hash) + `"}`, body: `{}`, want: store.Doc{Rev: store.Rev{Gen: 2, Hash: hash}}},
		{in: `{"\u005fid":"\u0061/b","a":{"_c":1}}`, body: `{"a":{"_c":1}}`, want: store.Doc{ID: "a/b"}},
		{in: `{"_id":5,"a":1,"_id":"x"}`, body: `{"a":1}`, want: store.Doc{ID: "x"}},
		{in: `{"_id":"x","a":1,"b":2,"a":3,"_id":"y"}`, body: `{"b":2,"a":3}`, want: store.Doc{ID: "y"}},
		{in: `{"_id":"_design/x"}`, body: `{}`, want: store.Doc{ID: "_design/x"}},
		{in: `{"_id":"_local/x","":1}`, body: `{"":1}`, want: store.Doc{ID: "_local/x"}},
		{in: `{"_revs_info":[],"_conflicts":["1-abc"],"_deleted_conflicts":[],"_local_seq":5,"a":4}`, body: `{"a":4}`},
		{in: `{"_replication_state":"x","_access":[]}`, body: `{"_replication_state":"x","_access":[]}`},
		{in: `{"_revisions":{"start":3,"ids":["c","b","a"]},"_rev":"bad"}`, body: `{}`,
			want: store.Doc{Rev: store.Rev{Gen: 3, Hash: "c"}, Ancestors: []string{"b", "a"}}},
		{in: `{"_rev":"9-z","_revisions":{"ids":["c","b","a"],"start":2}}`, body: `{}`,
			want: store.Doc{Rev: store.Rev{Gen: 2, Hash: "c"}, Ancestors: []string{"b"}}},
		{in: `{"_revisions":{"start":0,"ids":[]}}`, body: `{}`},
	} {
		s, buf, err := SplitDoc([]byte("before"), []byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		got := s.Doc
		if string(got.Body) != c.body || string(buf) != "before"+c.body {
			t.Errorf("%s: body %s in %s, want %s", c.in, got.Body, buf, c.body)
		}
		if got.ID != c.want.ID || s.HasID != (c.want.ID != "") || got.Rev != c.want.Rev || got.Deleted != c.want.Deleted ||
			!slices.Equal(got.Ancestors, c.want.Ancestors) {
			t.Errorf("%s: %+v, want %+v", c.in, got, c.want)
		}
	}
}

func TestSplitDocAttachments(t *testing.T) {
	t.Parallel()
	s, _, err := SplitDoc(nil, []byte(`{"_attachments": { "f" : {"stub":true}},"a":1}`))
	if err != nil || string(s.Attachments) != `{ "f" : {"stub":true}}` || string(s.Doc.Body) != `{"a":1}` {
		t.Errorf("%s, %s, %v", s.Attachments, s.Doc.Body, err)
	}
	if s, _, _ := SplitDoc(nil, []byte(`{}`)); s.Attachments != nil {
		t.Errorf("attachments %s of a doc without any", s.Attachments)
	}
}

// refusals has docs that CouchDB refuses with its words.
var refusals = []struct {
	in     string
	kind   store.Kind
	reason string
}{
	{`[]`, store.KindBadRequest, "Document must be a JSON object"},
	{`5`, store.KindBadRequest, "Document must be a JSON object"},
	{`"x"`, store.KindBadRequest, "Document must be a JSON object"},
	{`null`, store.KindBadRequest, "Document must be a JSON object"},
	{`true`, store.KindBadRequest, "Document must be a JSON object"},
	{`{"_foo":1}`, store.KindDocValidation, "Bad special document member: _foo"},
	{`{"_local":1}`, store.KindDocValidation, "Bad special document member: _local"},
	{`{"_":1}`, store.KindDocValidation, "Bad special document member: _"},
	{`{"_deleted":"yes"}`, store.KindDocValidation, "Bad special document member: _deleted"},
	{`{"_attachments":5}`, store.KindDocValidation, "Bad special document member: _attachments"},
	{`{"_revisions":5}`, store.KindDocValidation, "Bad special document member: _revisions"},
	{`{"_revisions":{}}`, store.KindDocValidation, "_revisions.start isn't an integer."},
	{`{"_revisions":{"start":1.0,"ids":["a"]}}`, store.KindDocValidation, "_revisions.start isn't an integer."},
	{`{"_revisions":{"start":1}}`, store.KindDocValidation, "_revisions.ids isn't a array."},
	{`{"_revisions":{"start":1,"ids":[5]}}`, store.KindDocValidation, "RevId isn't a string"},
	{`{"_revisions":{"start":1,"ids":["` + strings.Repeat("x", 32) + `"]}}`, store.KindDocValidation,
		"RevId isn't a valid hexadecimal"},
	{`{"_id":5}`, store.KindIllegalDocID, "Document id must be a string"},
	{`{"_id":null}`, store.KindIllegalDocID, "Document id must be a string"},
	{`{"_id":""}`, store.KindIllegalDocID, "Document id must not be empty"},
	{`{"_id":"_x"}`, store.KindIllegalDocID, "Only reserved document ids may start with underscore."},
	{`{"_id":"_design"}`, store.KindIllegalDocID, "Only reserved document ids may start with underscore."},
	{`{"_id":"_design/"}`, store.KindIllegalDocID, "Illegal document id `_design/`"},
	{`{"_id":"_local/"}`, store.KindIllegalDocID, "Illegal document id `_local/`"},
	{`{"_rev":"x"}`, store.KindBadRequest, "Invalid rev format"},
	{`{"_rev":""}`, store.KindBadRequest, "Invalid rev format"},
	{`{"_rev":5}`, store.KindBadRequest, "Invalid rev format"},
	{`{"_rev":null}`, store.KindBadRequest, "Invalid rev format"},
	{`{"_rev":"1-` + strings.Repeat("x", 32) + `"}`, store.KindBadRequest, "Invalid rev format"},
	{`{"_foo":1,"_id":5}`, store.KindDocValidation, "Bad special document member: _foo"},
	{`{"_id":5,"_foo":1}`, store.KindIllegalDocID, "Document id must be a string"},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		buf, in := []byte("before"), []byte(c.in)
		_, got, err := SplitDoc(buf, in)
		if !store.IsKind(err, c.kind) || reason(err) != c.reason || string(got) != "before" {
			t.Errorf("%s: %v, want %s", c.in, err, c.reason)
		}
		calls := 0
		got, err = SplitDocs(buf, []byte(`[{"_id":"a"},`+c.in+`,{"_id":7},{"_id":"b"}]`), func(Split) error { calls++; return nil })
		if !store.IsKind(err, c.kind) || reason(err) != c.reason || string(got) != "before" || calls != 1 {
			t.Errorf("%s among others: %v after %d calls", c.in, err, calls)
		}
	}
}

func TestSplitDocs(t *testing.T) {
	t.Parallel()
	type doc struct{ id, body string }
	var docs []Split
	buf, err := SplitDocs([]byte("x"), []byte(" [ { \"_id\" : \"a\" , \"n\" : 1e0 } ,\n{\"n\":1,\"n\":2,\"_id\":\"b\"},{} , {\"_id\":\"c\"} ] "),
		func(s Split) error {
			docs = append(docs, s)
			return nil
		})
	if want := `x{"n":1.0}{"n":2}{}{}`; err != nil || string(buf) != want {
		t.Fatalf("%s, %v, want %s", buf, err, want)
	}
	var got []doc
	for _, d := range docs {
		got = append(got, doc{d.Doc.ID, string(d.Doc.Body)})
	}
	if want := []doc{{"a", `{"n":1.0}`}, {"b", `{"n":2}`}, {"", `{}`}, {"c", `{}`}}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	stop := errors.New("stop")
	if _, err := SplitDocs(nil, []byte(`[{},{}]`), func(Split) error { return stop }); err != stop {
		t.Errorf("fn's error became %v", err)
	}
	if _, err := SplitDocs(nil, []byte(`[{},{]`), func(Split) error { return stop }); reason(err) != "invalid UTF-8 JSON" {
		t.Errorf("no JSON: %v", err)
	}
	if buf, err := SplitDocs([]byte("x"), []byte(`[ ]`), func(Split) error { return stop }); err != nil || string(buf) != "x" {
		t.Errorf("no docs: %s, %v", buf, err)
	}
	if _, err := SplitDocs(nil, []byte(`{}`), func(Split) error { return stop }); reason(err) != "invalid UTF-8 JSON" {
		t.Errorf("no array: %v", err)
	}
}

func TestSplitCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in             string
		members, depth int
	}{
		{`{}`, 0, 1}, {`{"_id":"x","a":1}`, 2, 1}, {`{"a":1,"a":2}`, 2, 1}, {`{"a":{"b":{},"c":[]}}`, 3, 3}, {`{"a":[[{"b":1}]],"c":[]}`, 3, 4},
	} {
		s, _, err := SplitDoc(nil, []byte(c.in))
		if err != nil || s.Members != c.members || s.Depth != c.depth {
			t.Errorf("%s: %d members, %d deep, %v", c.in, s.Members, s.Depth, err)
		}
		_, err = SplitDocs(nil, []byte(`[{"x":[[[[[[1]]]]]]},`+c.in+`]`), func(got Split) error {
			s = got
			return nil
		})
		if err != nil || s.Members != c.members || s.Depth != c.depth {
			t.Errorf("%s after another: %d members, %d deep, %v", c.in, s.Members, s.Depth, err)
		}
	}
}
