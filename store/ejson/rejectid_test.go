package ejson

import "testing"

func TestRejectID(t *testing.T) {
	t.Parallel()
	const first = `{"line":"x","machine":"m","reason":"no fit","file":"a.log","time":"2026-11-26T00:41:27Z"}`
	id := string(AppendRejectID(nil, []byte(first), 1))
	if want := string(AppendContentID(nil, []byte(`{"line":"x","machine":"m"}`), 1)); id != want {
		t.Fatalf("id %s, want %s", id, want)
	}
	for body, same := range map[string]bool{
		first: true,
		`{"machine":"m","detail":"d","line":"x","reason":"refused","file":"a.log.1"}`: true,
		`{"line":"x","machine":"m2"}`:                      false,
		`{"line":"y","machine":"m"}`:                       false,
		`{"line_base64":"x","machine":"m"}`:                false,
		`{"line":"x","machine":"m","cut":true}`:            false,
		`{"reason":"no fit"}`:                              false,
		`{"in":{"line":"x"},"machine":"m"}`:                false,
		`{"line":"y","line":"x","machine":"m","a":[1,{}]}`: true,
	} {
		if CheckRejectID(id, []byte(body)) != same {
			t.Errorf("%s: the id follows: %v", body, !same)
		}
	}
	for _, body := range []string{`{"machine":"m","cut":true,"a":1}`, `{}`} {
		if !CheckRejectID(string(AppendContentID(nil, []byte(body), 0)), []byte(body)) {
			t.Errorf("%s has no line, and not the id of any doc", body)
		}
	}
	if CheckRejectID(id+"x", []byte(first)) || CheckRejectID("", []byte("no object")) {
		t.Error("an id that is none passes")
	}
}
