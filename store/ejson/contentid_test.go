package ejson

import (
	"strings"
	"testing"
)

func TestContentID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body, time string
	}{
		{`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd"}`, "20170614171612329"},
		{`{"hour":"17:16:12,329","process":"sshd","date":"2017-06-14"}`, "20170614171612329"},
		{`{"date":"2017-06-14","hour":"17:16:12"}`, "20170614171612000"},
		{`{"date":"2017-06-14"}`, "20170614000000000"},
		{`{"time":"2017-06-14T17:16:12.329123Z","date":"1999-01-01"}`, "20170614171612329"},
		{`{"time":1497460572329}`, "14974605723290000"},
		{`{"time":null,"date":"2017-06-14"}`, "20170614000000000"},
		{`{"time":["2017"],"date":{"a":1}}`, "00000000000000000"},
		{`{"time":"\u0001\\7","x":1}`, "70000000000000000"},
		{`{"hour":"17:16:12,329"}`, "00000000000000000"},
		{`{}`, "00000000000000000"},
	} {
		id := string(AppendContentID([]byte("x"), []byte(c.body), 0))[1:]
		time, hash, _ := strings.Cut(id, "-")
		if time != c.time || len(hash) != hashChars || strings.Trim(hash, base32hex) != "" {
			t.Errorf("%s: id %s, want %s and 16 characters", c.body, id, c.time)
		}
		again := string(AppendContentID(nil, []byte(c.body), 12))
		if again != id+"-12" {
			t.Errorf("%s: the 13th is %s", c.body, again)
		}
		for _, good := range []string{id, id + "-1", again, id + "-4294967295"} {
			if !CheckContentID(good, []byte(c.body)) {
				t.Errorf("%s is no id of %s", good, c.body)
			}
		}
		for _, bad := range []string{"", "x", id + "-", id + "-0", id + "-01", id + "-+1", id + "--1", id + "-4294967296", id + "x",
			id[1:], id[:len(id)-1], strings.ToUpper(id), id + "-1-1", "1" + id[1:17] + "-" + hash} {
			if bad != id && CheckContentID(bad, []byte(c.body)) {
				t.Errorf("%s passes for an id of %s", bad, c.body)
			}
		}
		if CheckContentID(id, []byte(`{"other":1}`)) {
			t.Errorf("%s passes for an id of another doc", id)
		}
	}
}

// TestContentIDStays holds the ids of this version: docs that are stored have them.
func TestContentIDStays(t *testing.T) {
	t.Parallel()
	body := `{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`
	if got, want := string(AppendContentID(nil, []byte(body), 0)), "20170614171612329-d9v82h3lk7o1q12t"; got != want {
		t.Errorf("id %s, want %s", got, want)
	}
}
