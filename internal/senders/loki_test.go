package senders

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"
)

// Where the configurations of Loki's senders point to is where a serve takes pushes. What they send is tested in proxy/lines.
func TestLokiSenders(t *testing.T) {
	t.Parallel()
	s := serve(t, "--loki")
	push := func(name, address string) {
		t.Helper()
		res, err := http.Post(address, "application/json", strings.NewReader(`{"streams":[{"stream":{"job":"`+name+`"},"values":[["1732600000123456789","hello"]]}]}`))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if text, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusNoContent {
			t.Errorf("%s at %s: %s %s", name, address, res.Status, text)
			return
		}
		s.find(t, "loki", map[string]any{"job": name, "message": "hello"})
	}
	const page = "https://log.example.com:5984"

	var promtail struct{ Clients []struct{ URL string } }
	if err := yaml.Unmarshal([]byte(snippet(t, "promtail", page, s.url)), &promtail); err != nil || len(promtail.Clients) != 1 {
		t.Fatalf("%v: %+v", err, promtail)
	}
	push("promtail", promtail.Clients[0].URL)

	alloy := regexp.MustCompile(`url = "(.*)"`).FindStringSubmatch(snippet(t, "alloy", page, s.url))
	if alloy == nil {
		t.Fatal("no url for Alloy")
	}
	push("alloy", alloy[1])

	var vector struct {
		Sinks map[string]struct {
			Type, Endpoint, Compression string
			Encoding                    struct{ Codec string }
			Labels                      map[string]string
		}
	}
	if err := toml.Unmarshal([]byte(snippet(t, "vector", page, s.url)), &vector); err != nil {
		t.Fatal(err)
	}
	sink := vector.Sinks["logctl"]
	if sink.Type != "loki" || sink.Compression != "gzip" || sink.Encoding.Codec != "text" || sink.Labels["host"] == "" {
		t.Errorf("%+v", sink)
	}
	push("vector", sink.Endpoint+"/loki/api/v1/push")
	res, err := http.Get(sink.Endpoint + "/ready") // Vector looks there before it begins
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("ready: %s", res.Status)
	}

	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{}
	for line := range strings.Lines(snippet(t, "fluentbit", "log.example.com", at.Hostname(), "5984", at.Port())) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			said[name] = strings.TrimSpace(value)
		}
	}
	if said["name"] != "loki" || said["uri"] != "" {
		t.Errorf("%q", said)
	}
	push("fluentbit", "http://"+said["host"]+":"+said["port"]+"/loki/api/v1/push")
}
