package couch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"logctl/store"
)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// collect reads all rows as "id key value doc err" and the error that ended them.
func collect(c *Client, ctx context.Context, q store.ViewQuery) (rows []string, err error) {
	for r, e := range c.View(ctx, "log_x", "d", "v", q) {
		if e != nil {
			return rows, e
		}
		rows = append(rows, strings.Join([]string{r.ID, string(r.Key), string(r.Value), string(r.Doc), r.Err}, "|"))
	}
	return rows, nil
}

func TestViewRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		rows       string
		err        string
	}{
		{"plain", `{"total_rows":2,"offset":0,"rows":[` + "\r\n" + `{"id":"a\u00e9","key":[1, "x ]"],"value":null},` + "\r\n" + `{"id":"b","key":"\"","value":{"n":1e2},"doc":null}` + "\r\n]}\n",
			"aé|[1,\"x ]\"]|null||;b|\"\\\"\"|{\"n\":1e2}|null|", ""},
		{"reduced", `{"rows":[{"key":null,"value":12345678901234567890}]}`, "|null|12345678901234567890||", ""},
		{"none", `{"rows":[]}`, "", ""},
		{"missing key", `{"rows":[{"key":"x","error":"not_found"}]}`, `|"x"|||not_found`, ""},
		{"a row's error", `{"rows":[{"key":1,"value":1},{"key":null,"error":"reduce_overflow_error","reason":"must shrink"}]}`, "|1|1||", "must shrink"},
		{"error after the rows", `{"rows":[{"key":1,"value":1}],"error":"timeout","reason":"took too long"}`, "|1|1||", "took too long"},
		{"error for rows", `{"error":"timeout","reason":"took too long"}`, "", "took too long"},
		{"cut", `{"rows":[{"key":1,"value":1},{"key":2`, "|1|1||", "broke off"},
		{"not JSON", `<html>`, "", "does not answer as a CouchDB"},
		{"bad literal", `{"rows":[{"key":nil}]}`, "", "does not answer as a CouchDB"},
		{"trailing", `{"rows":[]} x`, "", "does not answer as a CouchDB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, answer(200, tt.body))
			rows, err := collect(c, t.Context(), store.NewViewQuery())
			if got := strings.Join(rows, ";"); got != tt.rows {
				t.Errorf("rows\n got %s\nwant %s", got, tt.rows)
			}
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestViewParameters(t *testing.T) {
	t.Parallel()
	tests := []struct {
		q    store.ViewQuery
		want string
	}{
		{store.NewViewQuery(), ""},
		{store.ViewQuery{}, "limit=0"},
		{store.ViewQuery{Limit: 5, Skip: 2, StartKey: json.RawMessage(`["a b"]`), EndKey: json.RawMessage(`{}`), StartDocID: "a", EndDocID: "z",
			Descending: true, ExclusiveEnd: true, NoReduce: true, IncludeDocs: true, Conflicts: true, UpdateSeq: true, Unsorted: true, Update: store.UpdateLazy},
			`conflicts=true&descending=true&endkey={}&endkey_docid=z&include_docs=true&inclusive_end=false&limit=5&reduce=false&skip=2&sorted=false&startkey=["a b"]&startkey_docid=a&update=lazy&update_seq=true`},
		{store.ViewQuery{Limit: -1, Group: true, Reduce: true, Update: store.UpdateFalse}, "group=true&reduce=true&update=false"},
		{store.ViewQuery{Limit: -1, GroupLevel: 3}, "group_level=3"},
		{store.ViewQuery{Limit: -1, GroupLevelGiven: true}, "group_level=0"},
	}
	for _, tt := range tests {
		got, err := url.QueryUnescape(params(tt.q).Encode())
		if err != nil || got != tt.want {
			t.Errorf("params(%+v)\n got %s, %v\nwant %s", tt.q, got, err, tt.want)
		}
	}
}

func TestViewKeysArePosted(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || strings.TrimSpace(string(body)) != `{"keys":["a",[1]]}` {
			t.Errorf("%s %s", r.Method, body)
		}
		answer(200, `{"rows":[]}`)(w, r)
	})
	q := store.NewViewQuery()
	q.Keys = []json.RawMessage{json.RawMessage(`"a"`), json.RawMessage(`[1]`)}
	if _, err := collect(c, t.Context(), q); err != nil {
		t.Error(err)
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	var body, answered string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		body = r.Method + " " + r.URL.Path + " " + strings.TrimSpace(string(b))
		answer(200, answered)(w, r)
	})
	list := []store.ViewQuery{
		{Limit: -1, Group: true, StartKey: json.RawMessage(`["a"]`), EndKey: json.RawMessage(`["a",{}]`)},
		{Limit: 3, NoReduce: true, StartDocID: "7", Update: store.UpdateFalse},
	}
	for _, tt := range []struct{ answer, rows, err string }{
		{`{"results":[{"rows":[{"key":1,"value":2}]},` + "\r\n" + `{"total_rows":3,"offset":0,"rows":[{"id":"x","key":2,"value":3}]}]}`, "1 2;2 3;", ""},
		{`{"results":[]}`, "", ""},
		{`{"results":[{"rows":[{"key":1,"value":2}]},{"error":"timeout","reason":"took too long"}]}`, "1 2;", "took too long"},
		{`{"results":[{"rows":[{"key":1,"value":2}]}],"error":"timeout","reason":"took too long"}`, "1 2;", "took too long"},
		{`{"results":[{"rows":[{"key":1,"value":2}`, "1 2;", "broke off"},
		{`{"error":"timeout","reason":"took too long"}`, "", "took too long"},
		{`{"results":[]} x`, "", "does not answer as a CouchDB"},
	} {
		answered = tt.answer
		rows := ""
		var err error
		for r, e := range c.Queries(t.Context(), "log_x", "d", "v", list) {
			if err = e; e == nil {
				rows += fmt.Sprintf("%s %s;", r.Key, r.Value)
			}
		}
		if rows != tt.rows || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %s, %v", tt.answer, rows, err)
		}
		if want := `POST /log_x/_design/d/_view/v/queries {"queries":[{"endkey":["a",{}],"group":true,"startkey":["a"]},` +
			`{"limit":3,"reduce":false,"startkey_docid":"7","update":"false"}]}`; body != want {
			t.Errorf("asked %s", body)
		}
	}
	for range c.Queries(t.Context(), "log_x", "d", "v", list) {
		break
	}
}

func TestViewBeingBuiltIsAskedAgain(t *testing.T) {
	t.Parallel()
	asked, told := 0, 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked < 4 {
			answer(500, `{"error":"timeout","reason":"The request could not be processed in a reasonable amount of time."}`)(w, r)
			return
		}
		answer(200, `{"rows":[{"key":1,"value":1}]}`)(w, r)
	})
	c.waiting = func() { told++ }
	rows, err := collect(c, t.Context(), store.NewViewQuery())
	if err != nil || len(rows) != 1 || told != 3 {
		t.Errorf("rows %q, told %d times, %v", rows, told, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	c.waiting = cancel
	asked = 0
	if _, err := collect(c, ctx, store.NewViewQuery()); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

func TestViewStopsEarly(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, `{"rows":[`)
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, `{"key":1,"value":1},`); err != nil {
				return
			}
		}
	})
	n := 0
	for _, err := range c.View(t.Context(), "log_x", "d", "v", store.NewViewQuery()) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 1000 {
			break
		}
	}
}

// readAll reads an answer in pieces of n bytes; a row's bytes are lost when the next one comes.
func readAll(body string, n int) (rows []store.Row, err error) {
	err = readRows(&pieces{s: body, n: n}, func(r *store.Row) bool {
		rows = append(rows, store.Row{ID: r.ID, Key: bytes.Clone(r.Key), Value: bytes.Clone(r.Value), Doc: bytes.Clone(r.Doc), Err: r.Err})
		return true
	})
	return rows, err
}

// TestLines shows which rows are found by their lines, and that rows of other forms, of which some look much like one, are read as they are.
func TestLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		row  string
		line bool
	}{
		{`{"key":["day",2026,11,1,"2001:db8::1","sshd",null],"value":{"sum":1,"count":1}}`, true},
		{`{"id":"é","key":[[],[1,"]"]],"value":17}`, true},
		{`{"key":[{}],"value":{}}`, true},
		{`{"key":["],\"value\":1"],"value":2}`, false},
		{`{"key":["a\\"],"value":2}`, true},
		{`{"key":[{"x":[1],"value":2}],"value":3}`, false},
		{`{"key":[1],"other":[2],"value":3}`, false},
		{`{"key":["::1"],"value":3}`, false},
		{`{"key":[1],"value":{"x":1},"doc":{"y":2}}`, false},
		{`{"key":[1],"value":{"x":"}"}}`, false},
		{`{"key":[1],"value":{"x":{}}}`, false},
		{`{"key":[1],"value":1,"doc":null}`, false},
		{`{"key":[1],"value":[1]}`, false},
		{`{"key":[1],"value":-1}`, false},
		{`{"key":[1, 2],"value":1}`, false},
		{"{\"key\":[1,\t2],\"value\":1}", false},
		{"{\"key\":[1,\r\n2],\"value\":1}", false},
		{`{"key":[1],"value":{"x":1 }}`, false},
		{`{"key":"x","value":1}`, false},
		{`{"key":null,"value":1}`, false},
		{`{"id":"a\u00e9","key":[1],"value":1}`, false},
		{`{"id":"a","value":1,"key":[1]}`, false},
		{`{"id":"a","key":[1],"value":1,"key":[2]}`, false},
		{`{"key":[1],"error":"not_found"}`, false},
		{`{"value":1}`, false},
	} {
		for _, end := range []string{"\n]}", "\r\n]}\n", ",\r\n" + `{"key":1,"value":2}]}`, "]}"} {
			body := `{"rows":[` + "\r\n" + tt.row + end
			got, err := readAll(body, len(body))
			want, errWant := readAll(body, 1)
			if err != nil || errWant != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s\n got %q, %v\nwant %q, %v", body, got, err, want, errWant)
			}
		}
		s := newScanner(strings.NewReader(tt.row + ",\r\n"))
		if _, err := s.peek(); err != nil {
			t.Fatal(err)
		}
		if ok := s.line(new(store.Row)); ok != tt.line {
			t.Errorf("%s is a line: %t, want %t", tt.row, ok, tt.line)
		}
	}
	for _, torn := range []string{`{"key":[1],"value":}`, `{"key":[`, `{"key":[1]`, `{"key":`, `{"id":"`, `}`, `{}`, ``} {
		if rows, err := readAll(`{"rows":[`+torn+"\n", 100); err == nil {
			t.Errorf("%s: %q", torn, rows)
		}
	}
}

// The scanner agrees with encoding/json about every answer that encoding/json reads, in whatever pieces it comes.
func FuzzRows(f *testing.F) {
	f.Add(`{"total_rows":2,"rows":[{"id":"a","key":[1,"x"],"value":null,"doc":{"a":[]}}]}`, 1)
	f.Add(`{"rows":[{"key":"\ud83d\ude00\\","value":-1.5e+3}],"x":{"y":[[]]}}`, 7)
	f.Add(`{"rows":[{"key":1,"error":"not_found"}`, 3)
	f.Add(`{"rows":[{"key":1,"k\u0065y":2}],"ROWS":[{"key":3}]}`, 2)
	f.Add("{\"rows\":[\r\n{\"key\":[1,\"],\"],\"value\":{\"x\":1}},\r\n{\"id\":\"a\",\"key\":[{\"x\":[],\"value\":2}],\"value\":3}\n]}\n", 9)
	f.Fuzz(func(t *testing.T, body string, chunk int) {
		rows, err := readAll(body, max(1, chunk&63))
		var answer map[string]json.RawMessage // by their very names, which a struct's fields would not be
		var want []map[string]json.RawMessage
		if err != nil || json.Unmarshal([]byte(body), &answer) != nil || answer["rows"] != nil && json.Unmarshal(answer["rows"], &want) != nil {
			return
		}
		if whole, err := readAll(body, len(body)); err != nil || !reflect.DeepEqual(whole, rows) {
			t.Errorf("at once %q, %v, in pieces %q", whole, err, rows)
		}
		for i, r := range want {
			if len(rows) == len(want) && len(r["key"]) > 0 && !sameJSON(r["key"], rows[i].Key) {
				t.Errorf("key %s, want %s", rows[i].Key, r["key"])
			}
		}
	})
}

func sameJSON(a, b json.RawMessage) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// pieces is a reader of n bytes at a time.
type pieces struct {
	s string
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.s == "" {
		return 0, io.EOF
	}
	n := copy(b[:min(p.n, len(b))], p.s)
	p.s = p.s[n:]
	return n, nil
}

func BenchmarkRows(b *testing.B) {
	row := `{"key":["month",2026,11,"2001:db8:85a3::8a2e:370:7334","sshd","server"],"value":{"sum":20945728000000,"count":12,"min":1794812345678,"max":1794999999999,"sumsqr":3.6e25}},` + "\n"
	body := `{"rows":[` + strings.Repeat(row, 9999) + strings.TrimSuffix(row, ",\n") + `]}`
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		if err := readRows(strings.NewReader(body), func(*store.Row) bool { n++; return true }); err != nil || n != 10000 {
			b.Fatal(n, err)
		}
	}
}
