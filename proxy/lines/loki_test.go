package lines

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang/snappy"
	"google.golang.org/protobuf/encoding/protowire"

	"logctl/store"
)

// appendPushProto is the other side: a push as Promtail and others write it.
func appendPushProto(dst []byte, streams []lokiStream) []byte {
	bytesField := func(dst []byte, num protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(dst, num, protowire.BytesType), b)
	}
	varint := func(dst []byte, num protowire.Number, n int64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(dst, num, protowire.VarintType), uint64(n))
	}
	for _, st := range streams {
		var text []string
		for _, l := range st.labels {
			text = append(text, l.name+"="+strconv.Quote(l.value))
		}
		stream := bytesField(nil, 1, []byte("{"+strings.Join(text, ", ")+"}"))
		for _, e := range st.entries {
			entry := bytesField(nil, 1, varint(varint(nil, 1, e.time.Unix()), 2, int64(e.time.Nanosecond())))
			entry = bytesField(entry, 2, e.line)
			for _, l := range e.metadata {
				entry = bytesField(entry, 3, bytesField(bytesField(nil, 1, []byte(l.name)), 2, []byte(l.value)))
			}
			stream = bytesField(stream, 2, entry)
		}
		dst = bytesField(dst, 1, varint(stream, 3, 42)) // 3 is a hash that nobody needs
	}
	return dst
}

const pushJSON = `{"streams":[{"stream":{"job":"varlogs","host":"web1","__path__":"/var/log/x","time":"label"},
"values":[["1732600000000000001","user=a"],["1732600000000000001","user=a"],["1732600000000000002","user=b \"x\"",{"trace":"1","job":"m"}]]}]}`

var pushStreams = []lokiStream{{
	labels: labels{{"job", "varlogs"}, {"host", "web1"}, {"__path__", "/var/log/x"}, {"time", "label"}},
	entries: []lokiEntry{
		{time: time.Unix(1732600000, 1), line: []byte("user=a")},
		{time: time.Unix(1732600000, 1), line: []byte("user=a")},
		{time: time.Unix(1732600000, 2), line: []byte(`user=b "x"`), metadata: labels{{"trace", "1"}, {"job", "m"}}},
	},
}}

func pack(t testing.TB, text []byte) []byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// receive reads whole bodies.
func receive(_ http.ResponseWriter, r *http.Request, limit int64) (body []byte, release func(size int), err error) {
	body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	return body, func(int) {}, err
}

// push asks a server and gives the answer's status and text.
func push(s *Server, sink Sink, body []byte, header ...string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, PushPath, bytes.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Push(w, r, sink, receive)
	return w.Code, strings.TrimSpace(w.Body.String())
}

// The same push in each form is the same docs, stored once however often it comes.
func TestPushForms(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "")
	proto := snappy.Encode(nil, appendPushProto(nil, pushStreams))
	for _, form := range []struct {
		name   string
		body   []byte
		header []string
	}{
		{"JSON", []byte(pushJSON), []string{"Content-Type", "application/json"}},
		{"JSON of Fluent Bit", []byte(pushJSON), []string{"Content-Type", "application/json; charset=utf-8"}},
		{"JSON in gzip", pack(t, []byte(pushJSON)), []string{"Content-Type", "application/json", "Content-Encoding", "gzip"}},
		{"protocol buffers", proto, []string{"Content-Type", "application/x-protobuf"}},
		{"protocol buffers, said to be in snappy", proto, []string{"Content-Type", "application/x-protobuf", "Content-Encoding", "snappy"}},
		{"protocol buffers without a type", proto, nil},
	} {
		if status, text := push(s, sink, form.body, form.header...); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", form.name, status, text)
		}
		if n := sink.count("log_loki"); n != 3 {
			t.Errorf("%s: %d docs, want 3", form.name, n)
		}
	}
	docs := sink.wait(t, "log_loki", 3)
	byLine := map[any]map[string]any{}
	for _, doc := range docs {
		byLine[doc["message"]] = doc
	}
	stamp := time.Unix(1732600000, 2).Format(time.RFC3339Nano)
	want := map[string]any{"time": stamp, "message": `user=b "x"`, "job": "varlogs", "host": "web1", "path__": "/var/log/x", "label_time": "label",
		"trace": "1", "metadata_job": "m", "machine": "web1"}
	if got := byLine[`user=b "x"`]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// A push again is nothing new, whatever became of it: docs, rejects, docs that the store refuses.
func TestPushAgain(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, `
[[route]]
label = { job = "users" }
app = "users"
schema = 'x'
`)
	sink.refuse = func(doc map[string]any) string {
		if doc["user"] == "bad" {
			return "forbidden: no"
		}
		return ""
	}
	body := `{"streams":[{"stream":{"job":"users"},"values":[["1","user=a"],["1","user=a"],["2","user=a"],["1","junk"],["1","junk"],["2","junk"],["1","user=bad"],["1","skip"],["1","user=_"]]}]}`
	for range 2 {
		status, text := push(s, sink, []byte(body), "Content-Type", "application/json")
		if status != http.StatusNoContent {
			t.Fatalf("%d %s", status, text)
		}
		if docs, rejects := sink.count("log_users"), sink.count("log_users_rejects"); docs != 3 || rejects != 5 {
			t.Errorf("%d docs, %d rejects; want 3, 5", docs, rejects)
		}
	}
	reasons := map[any]int{}
	for _, doc := range sink.wait(t, "log_users_rejects", 5) {
		reasons[doc["reason"]]++
	}
	if reasons["no fit"] != 4 || reasons["refused"] != 1 {
		t.Errorf("reasons %v", reasons)
	}
}

// Who may not write docs leaves no rejects behind either.
func TestPushNotAllowed(t *testing.T) {
	t.Parallel()
	s, own := start(t, Options{}, "[[route]]\napp = 'users'\nschema = 'x'\n")
	callers := newFakeSink()
	callers.fail = func(store.DBName, []store.Doc) error { return store.NewError(store.KindUnauthorized, "who are you?") }
	status, text := push(s, callers, []byte(`{"streams":[{"stream":{},"values":[["1","junk"]]}]}`), "Content-Type", "application/json")
	if status != http.StatusUnauthorized || text != "who are you?" {
		t.Errorf("%d %s", status, text)
	}
	if n := own.count("log_users_rejects"); n != 0 {
		t.Errorf("%d rejects", n)
	}
}

func TestPushMissingApp(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "")
	sink.missing["log_loki"] = true
	one := []byte(`{"streams":[{"stream":{},"values":[["1","x"]]}]}`)
	if status, text := push(s, sink, one, "Content-Type", "application/json"); status != http.StatusServiceUnavailable || !strings.Contains(text, "no app loki") {
		t.Errorf("%d %s", status, text)
	}
}

func TestBadPushes(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "")
	const isJSON, proto = "application/json", "application/x-protobuf"
	many := `{"streams":[{"stream":{"a":"` + strings.Repeat("x", maxLabels-100) + `"},"values":[` + strings.TrimSuffix(strings.Repeat(`["1","x"],`, 2000), ",") + `]}]}`
	tests := []struct {
		name, body, kind, coding string
		status                   int
		want                     string
	}{
		{"no JSON", "x", isJSON, "", 400, "not in Loki's JSON"},
		{"an array", "[]", isJSON, "", 400, "not in Loki's JSON"},
		{"a number for a line", `{"streams":[{"stream":{},"values":[["1",2]]}]}`, isJSON, "", 400, "a line is no text"},
		{"a number for a time", `{"streams":[{"stream":{},"values":[[1,"2"]]}]}`, isJSON, "", 400, "a timestamp is no text"},
		{"no time", `{"streams":[{"stream":{},"values":[["x","2"]]}]}`, isJSON, "", 400, "no number of nanoseconds"},
		{"no line", `{"streams":[{"stream":{},"values":[["1"]]}]}`, isJSON, "", 400, "no timestamp with a line"},
		{"an object for a label", `{"streams":[{"stream":{"a":{}},"values":[["1","x"]]}]}`, isJSON, "", 400, "a label's value"},
		{"no gzip", "x", isJSON, "gzip", 400, "gzipped"},
		{"unknown coding", "x", isJSON, "br", 400, `Content-Encoding "br" not supported`},
		{"no snappy", "{}", proto, "", 400, "snappy"},
		{"cut snappy", string(snappy.Encode(nil, []byte("hello hello hello"))[:8]), proto, "", 400, "snappy"},
		{"a snappy that would be huge", "\xff\xff\xff\xff\x0f", proto, "", 413, "at most"},
		{"no protocol buffers", string(snappy.Encode(nil, []byte("\x0a\xff"))), proto, "", 400, "protocol buffers"},
		{"bad labels", string(snappy.Encode(nil, appendPushProto(nil, []lokiStream{{labels: labels{{"a b", "x"}}}}))), proto, "", 400, "labels"},
		{"a gzip that is huge", string(pack(t, make([]byte, maxPush+1))), isJSON, "gzip", 413, "at most"},
		{"many lines with large labels", many, isJSON, "", 413, "docs of at most"},
		{"larger labels", strings.Replace(many, `"a":"`, `"a":"`+strings.Repeat("x", 200), 1), isJSON, "", 413, "labels of more than"},
	}
	for _, tt := range tests {
		header := []string{"Content-Type", tt.kind}
		if tt.coding != "" {
			header = append(header, "Content-Encoding", tt.coding)
		}
		if status, text := push(s, sink, []byte(tt.body), header...); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, status, text, tt.status, tt.want)
		}
	}
	if n := s.Counters().Bad.Load(); n != int64(len(tests)) {
		t.Errorf("%d are counted, want %d", n, len(tests))
	}
	for _, body := range []string{"{}", `{"streams":[]}`, `{"streams":null}`, `{"streams":[{"stream":{},"values":[]}]}`} {
		if status, text := push(s, sink, []byte(body), "Content-Type", isJSON); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}
	r := httptest.NewRecorder()
	s.Push(r, httptest.NewRequest(http.MethodGet, PushPath, nil), sink, receive)
	if r.Code != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", r.Code)
	}
}

// TestPushOfPage: a browser pushes nothing for a page of another site.
func TestPushOfPage(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "")
	for _, tt := range []struct {
		name, value string
		status      int
	}{
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-site", 403}, {"Origin", "https://evil.example", 403}, {"Origin", "null", 403},
		{"Sec-Fetch-Site", "same-origin", 204}, {"Origin", "http://example.com", 204},
	} {
		before := sink.count("log_loki")
		body := strings.ReplaceAll(pushJSON, "user=", tt.name+tt.value)
		status, text := push(s, sink, []byte(body), "Content-Type", "application/json", tt.name, tt.value)
		if stored := sink.count("log_loki") - before; status != tt.status || (stored > 0) != (status == 204) {
			t.Errorf("%s %s: %d %s, %d docs", tt.name, tt.value, status, text, stored)
		}
	}
}

// TestPushSize: what a push was when it was unpacked is told, whatever becomes of it.
func TestPushSize(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "")
	const isJSON, proto = "application/json", "application/x-protobuf"
	bad := []byte(pushJSON + strings.Repeat(" ", 1<<20) + "}")
	plain := appendPushProto(nil, pushStreams)
	for name, tt := range map[string]struct {
		kind, coding string
		body         []byte
		want         int
	}{
		"JSON":               {isJSON, "", []byte(pushJSON), len(pushJSON)},
		"bad JSON in gzip":   {isJSON, "gzip", pack(t, bad), len(bad)},
		"cut gzip":           {isJSON, "gzip", pack(t, bad)[:800], -1},
		"large gzip":         {isJSON, "gzip", pack(t, make([]byte, maxPush+9)), maxPush + 1},
		"snappy":             {proto, "", snappy.Encode(nil, plain), len(plain)},
		"bad ones in snappy": {proto, "", snappy.Encode(nil, make([]byte, 1<<20)), 1 << 20},
		"unknown coding":     {proto, "br", bad, len(bad)},
	} {
		told := 0
		r := httptest.NewRequest(http.MethodPost, PushPath, bytes.NewReader(tt.body))
		r.Header.Set("Content-Type", tt.kind)
		r.Header.Set("Content-Encoding", tt.coding)
		s.Push(httptest.NewRecorder(), r, sink, func(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, func(int), error) {
			body, _, err := receive(w, r, limit)
			return body, func(size int) { told += size }, err
		})
		if tt.want < 0 && told > 1<<19 || tt.want == told {
			continue
		}
		t.Errorf("%s: %d bytes, want %d", name, told, tt.want)
	}
}

func TestParseLabels(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{}`: `[]`, `{a="b"}`: `[{a b}]`, ` { a = "b" , c="d,}\"" , } `: `[{a b} {c d,}"}]`, "{a=`x\\`}": `[{a x\}]`,
	} {
		if got, err := parseLabels(text); err != nil || fmt.Sprint([]label(got)) != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "{", "a", `{a}`, `{a=b}`, `{a="b`, `{a="b"} x`, `{a="b" c="d"}`, `{a='b'}`, `{="b"}`, `{a="b",,}`} {
		if got, err := parseLabels(text); err == nil {
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestAlikeLabels pushes labels of equal names: each gets another, however many they are and whether they are UTF-8 or not.
func TestAlikeLabels(t *testing.T) {
	t.Parallel()
	alike := func(n int) labels { return slices.Repeat(labels{{"a", "x"}}, n) }
	s, sink := start(t, Options{}, "")
	for _, st := range []lokiStream{
		{labels: labels{{"\xff", "1"}, {"\xfe", "2"}, {"\xff", "3"}, {"_\xff", "4"}}, entries: []lokiEntry{{line: []byte("bytes")}}},
		{labels: alike(3), entries: []lokiEntry{{line: []byte("few"), metadata: alike(3)}}},
		{labels: alike(fewLabels + 1), entries: []lokiEntry{{line: []byte("many"), metadata: append(labels{{"metadata_a_3", "y"}}, alike(maxLabels/10)...)}}},
	} {
		body := snappy.Encode(nil, appendPushProto(nil, []lokiStream{st}))
		if status, text := push(s, sink, body, "Content-Type", "application/x-protobuf"); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", st.entries[0].line, status, text)
		}
	}
	found := map[any]map[string]any{}
	for _, doc := range sink.wait(t, "log_loki", 3) {
		found[doc["message"]] = doc
	}
	for message, want := range map[string][]string{
		"bytes": {"\uFFFD", "label_\uFFFD", "label_\uFFFD_2", "label_\uFFFD_3"},
		"few":   {"a", "label_a", "label_a_2", "metadata_a", "metadata_a_2", "metadata_a_3"},
		"many":  {"a", "label_a", fmt.Sprintf("label_a_%d", fewLabels), "metadata_a_3", "metadata_a", "metadata_a_2", "metadata_a_4", "metadata_a_6554"},
	} {
		for _, name := range want {
			if found[message][name] == nil {
				t.Errorf("%s: no member %s in %.300v", message, name, found[message])
			}
		}
	}
	if n := len(found["few"]); n != 2+6 {
		t.Errorf("%d members: %v", n, found["few"])
	}
}

// FuzzPush gives the server any body in each form; it must answer and stay sound.
func FuzzPush(f *testing.F) {
	f.Add([]byte(pushJSON), true)
	f.Add(appendPushProto(nil, pushStreams), false)
	f.Add(appendPushProto(nil, []lokiStream{{labels: labels{{"a", "1"}, {"_a", "2"}, {"\xff", ""}}, entries: []lokiEntry{{metadata: labels{{"\xfe", ""}, {"a", ""}}}}}}), false)
	f.Add([]byte(`{"streams":[{"stream":{"":"","_":"","a":"1","_a":"2","__a":"3"},"values":[["1","x",{"label_a":"y"}]]}]}`), true)
	f.Add([]byte(`{"streams":[{"stream":{"user":"y","connection_hostname":"z"},"values":[["1","user=\ufffd"],["2","user=forged"],["3","user=_"],["4","skip"],["5",""]]}]}`), true)
	table, err := ParseTable([]byte("[[route]]\nlabel = {user='y*'}\napp_from = 'user'\npreset = 'user'"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, isJSON bool) {
		sink := newFakeSink()
		sink.refuse = func(doc map[string]any) string {
			if doc["user"] == "\uFFFD" {
				return "no"
			}
			return ""
		}
		s, err := Start(Options{Sink: sink, Table: table, Compile: fakeCompile})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Stop()
		kind := "application/json"
		if !isJSON {
			body, kind = snappy.Encode(nil, body), "application/x-protobuf"
		}
		status, text := push(s, sink, body, "Content-Type", kind)
		if status != 204 && status != 400 && status != 413 || strings.Contains(text, "stored form") {
			t.Errorf("%d %s", status, text)
		}
	})
}
