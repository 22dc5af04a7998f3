package designdocs

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"logctl/store/view/js"
)

// mapTests are docs and the rows that attacks and attackers emit for them.
var mapTests = []struct{ name, doc, rows string }{
	{"classic form", `{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"59.45.175.88","machine":"server"}`,
		`["server",2017,6,14,17] null; ["day",2017,6,14,"59.45.175.88","sshd","server"] 1497460572329; ["month",2017,6,"59.45.175.88","sshd","server"] 1497460572329; ["year",2017,"59.45.175.88","sshd","server"] 1497460572329`},
	{"ban", `{"date":"2024-02-29","hour":"00:00:00,000","process":"sshd","ip":"2001:db8::1","machine":"m","event":"ban"}`,
		`["m",2024,2,29,0] null; ["day",2024,2,29,"2001:db8::1","sshd","m"] 1709164800000; ["month",2024,2,"2001:db8::1","sshd","m"] 1709164800000; ["year",2024,"2001:db8::1","sshd","m"] 1709164800000`},
	{"event null", `{"date":"2017-06-14","ip":"a","event":null}`,
		`[null,2017,6,14] null; ["day",2017,6,14,"a",null,null] 1497398400000; ["month",2017,6,"a",null,null] 1497398400000; ["year",2017,"a",null,null] 1497398400000`},
	{"found", `{"date":"2017-06-14","hour":"17:16:12,329","ip":"a","event":"found"}`, ``},
	{"unban", `{"date":"2017-06-14","hour":"17:16:12,329","ip":"a","event":"unban"}`, ``},
	{"restore", `{"date":"2017-06-14","hour":"17:16:12,329","ip":"a","event":"restore"}`, ``},
	{"failed login", `{"time":"2026-11-01T23:59:59Z","host":"web1","application":"sshd","ip":"a","user":"root","event":"failed","outcome":"failure","machine":"m"}`,
		`["m",2026,11,1,23] null; ["day",2026,11,1,"a","sshd","m"] 1793577599000; ["month",2026,11,"a","sshd","m"] 1793577599000; ["year",2026,"a","sshd","m"] 1793577599000`},
	{"login", `{"time":"2026-11-01T23:59:59Z","application":"sshd","ip":"a","event":"accepted","outcome":"success"}`, ``},
	{"request", `{"time":"2026-11-01T23:59:59Z","ip":"a","event":"request"}`, ``},
	{"failure without an address", `{"time":"2026-11-01T23:59:59Z","event":"failed","outcome":"failure"}`, ``},
	{"no address", `{"date":"2017-06-14","hour":"17:16:12,329"}`, ``},
	{"empty address", `{"date":"2017-06-14","ip":""}`, ``},
	{"address is no string", `{"date":"2017-06-14","ip":5}`, ``},
	{"no date", `{"ip":"a","hour":"17:16:12"}`, ``},
	{"date is no date", `{"ip":"a","date":"14/06/2017"}`, ``},
	{"short date", `{"ip":"a","date":"2017-6-14"}`, ``},
	{"month 13", `{"ip":"a","date":"2017-13-01"}`, ``},
	{"30 February", `{"ip":"a","date":"2017-02-30"}`, ``},
	{"29 February", `{"ip":"a","date":"2017-02-29"}`, ``},
	{"year 0099", `{"ip":"a","date":"0099-02-01"}`, ``},
	{"date is a number", `{"ip":"a","date":20170614}`, ``},
	{"date is null", `{"ip":"a","date":null}`, ``},
	{"hour of 25", `{"ip":"a","machine":"m","date":"2017-06-14","hour":"25:00:00"}`,
		`["m",2017,6,14] null; ["day",2017,6,14,"a",null,"m"] 1497398400000; ["month",2017,6,"a",null,"m"] 1497398400000; ["year",2017,"a",null,"m"] 1497398400000`},
	{"hour and minute", `{"ip":"a","machine":"m","date":"2017-06-14","hour":"17:16"}`,
		`["m",2017,6,14,17] null; ["day",2017,6,14,"a",null,"m"] 1497460560000; ["month",2017,6,"a",null,"m"] 1497460560000; ["year",2017,"a",null,"m"] 1497460560000`},
	{"hour without a fraction", `{"ip":"a","machine":"m","date":"2017-06-14","hour":"17:16:12"}`,
		`["m",2017,6,14,17] null; ["day",2017,6,14,"a",null,"m"] 1497460572000; ["month",2017,6,"a",null,"m"] 1497460572000; ["year",2017,"a",null,"m"] 1497460572000`},
	{"date with the hour in it", `{"ip":"a","machine":"m","date":"2017-06-14 17:16:12.5"}`,
		`["m",2017,6,14,17] null; ["day",2017,6,14,"a",null,"m"] 1497460572000; ["month",2017,6,"a",null,"m"] 1497460572000; ["year",2017,"a",null,"m"] 1497460572000`},
	{"time", `{"ip":"a","process":"p","machine":"m","time":"2026-11-01T23:59:59.999+05:30"}`,
		`["m",2026,11,1,23] null; ["day",2026,11,1,"a","p","m"] 1793577599999; ["month",2026,11,"a","p","m"] 1793577599999; ["year",2026,"a","p","m"] 1793577599999`},
	{"time beside a date", `{"ip":"a","date":"2017-06-14","time":"2026-11-01T23:59:59Z"}`,
		`[null,2017,6,14] null; ["day",2017,6,14,"a",null,null] 1497398400000; ["month",2017,6,"a",null,null] 1497398400000; ["year",2017,"a",null,null] 1497398400000`},
	{"time with an hour beside it", `{"ip":"a","time":"2026-11-01T23:59:59Z","hour":"11:11:11"}`,
		`[null,2026,11,1,23] null; ["day",2026,11,1,"a",null,null] 1793577599000; ["month",2026,11,"a",null,null] 1793577599000; ["year",2026,"a",null,null] 1793577599000`},
	{"machine is a number", `{"ip":"a","machine":7,"date":"2017-06-14"}`,
		`[7,2017,6,14] null; ["day",2017,6,14,"a",null,7] 1497398400000; ["month",2017,6,"a",null,7] 1497398400000; ["year",2017,"a",null,7] 1497398400000`},
}

// ownMaps are the sources of our map functions as they are installed.
func ownMaps(t *testing.T) (attacks, attackers string) {
	t.Helper()
	docs, err := Own()
	if err != nil || len(docs) != 1 {
		t.Fatalf("Own: %d docs, %v", len(docs), err)
	}
	var doc struct {
		Views map[string]struct{ Map string }
	}
	if err := json.Unmarshal(docs[0].Body, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Views["attacks"].Map, doc.Views["attackers"].Map
}

func TestMapsInEmbeddedStore(t *testing.T) {
	t.Parallel()
	attacks, attackers := ownMaps(t)
	maps, err := js.CompileMaps([]string{attacks, attackers}, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Watch()()
	for _, tt := range mapTests {
		var rows []string
		if err := w.Map(tt.doc, func(_ int, key, value []byte) { rows = append(rows, fmt.Sprintf("%s %s", key, value)) }); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(rows, "; "); got != tt.rows {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.rows)
		}
	}
}

// The same on the engine that CouchDB runs, in zones that would move a date that is parsed.
func TestMapsInSpiderMonkey(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("js78")
	if err != nil {
		t.Skip("SKIPPED: no js78 (Debian's libmozjs-78-dev): the map functions were not tried on CouchDB's own engine")
	}
	attacks, attackers := ownMaps(t)
	var script strings.Builder
	script.WriteString(`var rows; function emit(k, v) { rows.push(JSON.stringify(k) + " " + JSON.stringify(v)); }` + "\n")
	fmt.Fprintf(&script, "var maps = [(%s), (%s)];\n", attacks, attackers)
	for _, tt := range mapTests {
		fmt.Fprintf(&script, "rows = []; maps.forEach(function (m) { m(%s); }); print(rows.join(\"; \"));\n", tt.doc)
	}
	file := filepath.Join(t.TempDir(), "maps.js")
	if err := os.WriteFile(file, []byte(script.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, zone := range []string{"UTC", "America/New_York", "Pacific/Kiritimati"} {
		cmd := exec.Command(shell, file)
		cmd.Env = append(os.Environ(), "TZ="+zone)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
			if i < len(mapTests) && line != mapTests[i].rows {
				t.Errorf("TZ=%s %s\n got %s\nwant %s", zone, mapTests[i].name, line, mapTests[i].rows)
			}
		}
	}
}

// TestReasonsMap is what the view of rejects emits.
func TestReasonsMap(t *testing.T) {
	t.Parallel()
	docs, err := Rejects()
	if err != nil || len(docs) != 1 {
		t.Fatalf("Rejects: %d docs, %v", len(docs), err)
	}
	var design struct {
		Views struct{ Reasons struct{ Map string } }
	}
	if err := json.Unmarshal(docs[0].Body, &design); err != nil {
		t.Fatal(err)
	}
	maps, err := js.CompileMaps([]string{design.Views.Reasons.Map}, js.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := maps.NewMapper()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Watch()()
	for doc, want := range map[string]string{
		`{"line":"x","reason":"no fit","machine":"m","file":"f"}`: `["no fit","m","f"] null`,
		`{"line":"","reason":5}`:                                  `[null,null,null] null`,
		`{"line_base64":"eA==","reason":"too long"}`:              `["too long",null,null] null`,
		`{"reason":"no fit"}`:                                     ``,
		`{"line":5}`:                                              ``,
	} {
		got := ""
		if err := w.Map(doc, func(_ int, key, value []byte) { got += fmt.Sprintf("%s %s", key, value) }); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", doc, got, err, want)
		}
	}
}
