package lines

import (
	"encoding/base64"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/golang/snappy"
)

// recordedPromtail is what Grafana's client, which Promtail and its driver for Docker have, has sent: a stream of Promtail's labels and one of
// the driver's.
const recordedPromtail = "vgLwtgqBAQo6e2ZpbGVuYW1lPSIvdmFyL2xvZy9hdXRoLmxvZyIsIGhvc3Q9IndlYjEiLCBqb2I9InZhcmxvZ3MifRJDCgsIwMGVugYQlZrvOhI0RmFpbGVkIHBhc3N3b3JkIGZvciByb290" +
	"IGZyb20gMTkyLjAuMi45IHBvcnQgMjIgc3NoMgq3AQqVAXtjb21wb3NlX3Byb2plY3Q9InNob3AiLCBjb21wb3NlX3NlcnZpY2U9IndlYgUXHG50YWluZXJfCbogc2hvcC13ZWItAaZK0QBAZG9j" +
	"a2VyLzBhMWIvanNvbi4u3QAMbm9kZQE4XHNvdXJjZT0ic3Rkb3V0In0SHQoLCMHBlRHgOA5zYXkgImhpIiBcXCDDqQ=="

// What senders send, in the shape in which each does, and what becomes of it.
func TestSenders(t *testing.T) {
	t.Parallel()
	recorded, err := base64.StdEncoding.DecodeString(recordedPromtail)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1732600000, 123456789)
	stamp := at.Format(time.RFC3339Nano)
	fluentBit := []byte(`{"streams":[{"stream":{"job":"fluentbit"},"values":[["1732600000123456789","{\"log\":\"hello\",\"stream\":\"stdout\"}"]]}]}`)
	fluentBitDoc := map[string]any{"time": stamp, "message": `{"log":"hello","stream":"stdout"}`, "job": "fluentbit"}
	vectorDoc := map[string]any{"time": stamp, "message": "hello", "job": "vector", "host": "web1", "file": "/var/log/a.log", "machine": "web1"}
	for _, tt := range []struct {
		name   string
		body   []byte
		header []string
		want   map[string]any // the doc with this message
		docs   int
	}{
		{"Promtail", recorded, []string{"Content-Type", "application/x-protobuf", "User-Agent", "promtail/"},
			map[string]any{"time": stamp, "message": "Failed password for root from 192.0.2.9 port 22 ssh2", "job": "varlogs", "filename": "/var/log/auth.log", "host": "web1", "machine": "web1"}, 2},
		{"Docker's driver", recorded, []string{"Content-Type", "application/x-protobuf", "User-Agent", "promtail/"},
			map[string]any{"time": at.Add(time.Second).Format(time.RFC3339Nano), "message": `say "hi" \\ é`, "container_name": "shop-web-1", "compose_project": "shop",
				"compose_service": "web", "filename": "/var/log/docker/0a1b/json.log", "host": "node1", "source": "stdout", "machine": "node1"}, 2},
		{"Fluent Bit", fluentBit, []string{"Content-Type", "application/json", "User-Agent", "Fluent-Bit"}, fluentBitDoc, 1},
		{"Fluent Bit, compress gzip", pack(t, fluentBit), []string{"Content-Type", "application/json", "Content-Encoding", "gzip", "User-Agent", "Fluent-Bit"}, fluentBitDoc, 1},
		{"Vector, gzip", pack(t, []byte(`{"streams":[{"stream":{"file":"/var/log/a.log","host":"web1","job":"vector"},"values":[["1732600000123456789","hello",{}]]}]}`)),
			[]string{"Content-Type", "application/json", "Content-Encoding", "gzip"}, vectorDoc, 1},
		{"Vector, snappy", snappy.Encode(nil, appendPushProto(nil, []lokiStream{{labels: labels{{"file", "/var/log/a.log"}, {"host", "web1"}, {"job", "vector"}},
			entries: []lokiEntry{{time: at, line: []byte("hello")}}}})), []string{"Content-Type", "application/x-protobuf"}, vectorDoc, 1},
	} {
		s, sink := start(t, Options{}, "")
		if status, text := push(s, sink, tt.body, tt.header...); status != http.StatusNoContent {
			t.Errorf("%s: %d %s", tt.name, status, text)
			continue
		}
		found := false
		for _, doc := range sink.wait(t, "log_loki", tt.docs) {
			if doc["message"] == tt.want["message"] {
				found = true
				if !reflect.DeepEqual(doc, tt.want) {
					t.Errorf("%s: got %v\nwant %v", tt.name, doc, tt.want)
				}
			}
		}
		if !found {
			t.Errorf("%s: no doc with the message %q", tt.name, tt.want["message"])
		}
	}
}

// The name of a container that Docker's driver gives is an application that routes can name.
func TestDriverRoute(t *testing.T) {
	t.Parallel()
	s, sink := start(t, Options{}, "[[route]]\napplication = 'shop-*'\napp = 'shop'\n")
	body := `{"streams":[{"stream":{"container_name":"shop-web-1","source":"stdout"},"values":[["1","x"]]}]}`
	if status, text := push(s, sink, []byte(body), "Content-Type", "application/json"); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, text)
	}
	sink.wait(t, "log_shop", 1)
}
