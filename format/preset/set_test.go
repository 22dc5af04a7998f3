package preset

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/format"
)

func TestBuiltinsCompile(t *testing.T) {
	t.Parallel()
	s := load(t)
	for _, name := range s.Names() {
		p := parser(t, s, name, Options{})
		if p.def.About == "" || p.def.Text() == "\n" || !strings.Contains(p.def.Text(), "[preset."+name+"]") {
			t.Errorf("%s: about %q, text %q", name, p.def.About, p.def.Text())
		}
	}
}

func ownFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "presets.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOwnPresets(t *testing.T) {
	t.Parallel()
	s := load(t, ownFile(t, `
version = 1
[preset.sshd]
inside = "syslog"
if.application = "sshd"
schema = 'hello $who'

[preset.app]
schema = ['$time:ts $level $message...', '$json...']
time = "time"
time-zone = "Europe/Berlin"
fields = { app = "a" }

[preset.app-login]
inside = "app"
if = { level = "INFO" }
derive = [{ member = "outcome", from = "result", values = { "ok*" = "success", "*" = "failure" } }]
line = [{ schema = 'login of $user: $result', fields = { event = "login" } }]

[preset.columns]
delimiter = ","
schema = '$a,$b:int'
absent = "-"

[preset.tabs]
delimiter = "tab"
schema = '$a $b'

[preset.pairs]
inside = ["journald", "outer"]
if.application = "pairs"
schema = 'x $kv...'
otherwise = { event = "other" }

[preset.outer]
schema = '$application "$message:text" $json...'
`))
	if d, err := s.Definition("sshd"); err != nil || !s.Replaces("sshd") || s.Replaces("app") || d.File == "" {
		t.Errorf("sshd: %+v %v", d, err)
	}
	for _, tt := range []struct{ preset, line, want string }{
		{"sshd", "Nov 21 01:42:45 vm sshd: hello you", `{"time":"2026-11-21T01:42:45Z","host":"vm","application":"sshd","who":"you"}`},
		{"syslog", "Nov 21 01:42:45 vm sshd: hello you", `{"time":"2026-11-21T01:42:45Z","host":"vm","application":"sshd","who":"you"}`},
		{"sshd", "Nov 21 01:42:45 vm sshd: Accepted", ``},
		{"app", "2026-07-01 01:42:45 INFO x y", `{"time":"2026-07-01T01:42:45+02:00","level":"INFO","message":"x y","app":"a"}`},
		{"app-login", "2026-07-01 01:42:45 INFO login of bob: okay", `{"time":"2026-07-01T01:42:45+02:00","level":"INFO","app":"a","user":"bob","result":"okay","event":"login","outcome":"success"}`},
		{"app-login", "2026-07-01 01:42:45 INFO login of bob: no", `{"time":"2026-07-01T01:42:45+02:00","level":"INFO","app":"a","user":"bob","result":"no","event":"login","outcome":"failure"}`},
		{"app-login", "2026-07-01 01:42:45 WARN login of bob: okay", ``},
		{"columns", "-,7", `{"b":7}`},
		{"columns", "x,7", `{"a":"x","b":7}`},
		{"tabs", "x y\t7", `{"a":"x y","b":"7"}`},
		{"pairs", `{"__REALTIME_TIMESTAMP":"1","SYSLOG_IDENTIFIER":"pairs","UID":"2","MESSAGE":"x UID=3"}`,
			`{"time":"1970-01-01T00:00:00.000001Z","application":"pairs","UID":"2","UID_2":"3"}`},
		{"pairs", `pairs "x a=1" {"a":2,"\"":3}`, `{"application":"pairs","a":2,"\"":3,"a_2":"1"}`},
		{"pairs", `pairs "y" {"event":1,"a":2}`, `{"application":"pairs","a":2,"message":"y","event":"other"}`},
	} {
		out, verdict := parser(t, s, tt.preset, Options{}).Append(nil, []byte(tt.line))
		if string(out) != tt.want || (verdict == format.Matched) != (tt.want != "") {
			t.Errorf("%s: %s\ngot  %s\nwant %s", tt.preset, tt.line, out, tt.want)
		}
	}
}

func TestMistakesInFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want, caret string }{
		{"", "version = 1", ""},
		{"version = 2", "version = 1", ""},
		{"version = 1\n[preset.a\n", ", line ", "[preset.a"},
		{"version = 1\n[preset]\na = 3", "presets.toml", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\nshema = 1", "preset a: there is no key preset.a.shema", ""},
		{"version = 1\n[preset.a]\nschema = 3", "line 3: want a string", "schema = 3"},
		{"version = 1\n[preset.a]\nschema = ['$x', 'y $']", "preset a: alternative 2: bad schema: a name must follow", "y $\n    ^"},
		{"version = 1\n[preset.a]\n", "preset a: it has no alternatives", ""},
		{"version = 1\n[preset.auto]\nschema = '$x'", "preset auto: the name auto", ""},
		{"version = 1\n[preset.\"a b\"]\nschema = '$x'", "a preset's name is of", ""},
		{"version = 1\n[preset.a]\nreader = 'x'", "a reader takes the place", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\ninside = 'nosuch'", `there is no preset "nosuch"`, ""},
		{"version = 1\n[preset.a]\nschema = '$x'\ninside = 'a'", "it is inside of itself", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\ntime = 'x'\ntime-layout = 'nosuch'", "there is no time layout", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\ntime = 'y'", "no schema captures $y", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\ndelimiter = 'ab'", "a delimiter is one character", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\nauto = 'maybe'", "auto is no or last", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\nderive = [{ member = 'm' }]", "what is derived needs", ""},
		{"version = 1\n[preset.a]\nschema = '$x'\nmembers = { a = 'b' }", "members are of the reader json", ""},
	} {
		s, err := Load(ownFile(t, tt.text))
		if err == nil {
			_, err = s.Parser("a", Options{})
		}
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "presets.toml") || !strings.Contains(e.Caret(), tt.caret) {
			t.Errorf("%q: %v\n%s", tt.text, err, e.Caret())
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "absent.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if _, err := load(t).Parser("sshd", Options{Fields: "a"}); err == nil {
		t.Error("bad fields pass")
	}
	if _, err := load(t).Parser("nosuch", Options{}); err == nil {
		t.Error("an unknown preset passes")
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	s := load(t)
	samples := map[string]string{}
	for _, l := range ownLines(t) {
		samples[l.preset] += l.line + "\n"
	}
	samples["syslog"] += samples["proftpd"]
	delete(samples, "proftpd") // inside of syslog
	samples["apache"] = samples["access"] + samples["apache-error"]
	for want, sample := range samples {
		c, err := s.Choose([]byte(sample), testTime)
		if err != nil || c.Preset != want {
			t.Errorf("%s for %s: %v", c, want, err)
		}
	}
	for _, none := range []string{"", "\n\n", "words\nmore words\n", "words\nwords\nwords\nNov 21 01:42:45 vm a: b\n"} {
		if c, err := s.Choose([]byte(none), testTime); err == nil {
			t.Errorf("%q: %s", none, c)
		}
	}
}

// A last line that is cut off by the end of the sample does not count against the preset.
func TestSampled(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sample string
		lines  int
	}{{"a\nb\nc", 2}, {"a\n\nb\n", 2}, {"a", 1}, {"", 0}, {strings.Repeat("a\n", 2000), sampleLines}} {
		if got := len(sampled([]byte(tt.sample))); got != tt.lines {
			t.Errorf("%.20q: %d lines, want %d", tt.sample, got, tt.lines)
		}
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"sshd", "sshd", true}, {"sshd", "sshd2", false}, {"sshd*", "sshd2", true}, {"*/cron", "/usr/cron", true}, {"a*b", "ab", true},
		{"ab*ba", "aba", false}, {"*", "", true}, {"", "", true}, {"", "a", false},
	} {
		if got := newPattern(tt.pattern).fits([]byte(tt.text)); got != tt.want {
			t.Errorf("%q fits %q: %v", tt.pattern, tt.text, got)
		}
	}
}

// Auto chooses anew for each log, by its beginning or else by its first line.
func TestAuto(t *testing.T) {
	t.Parallel()
	var said []string
	a, err := load(t).Auto(Options{Zone: "UTC"}, func(name string, c Choice) { said = append(said, name+": "+c.String()) })
	if err != nil {
		t.Fatal(err)
	}
	const auth, web = "Nov 21 01:42:45 vm a: b", `192.0.2.7 - - [21/Nov/2026:01:42:45 +0100] "GET / HTTP/1.1" 200 1`
	a.SetReference(testTime)
	again, err := a.Begin("auth.log", []byte(auth+"\n"+web))
	if err != nil {
		t.Fatal(err)
	}
	if out, _ := a.Append(nil, []byte(auth)); !strings.Contains(string(out), `"2026-11-21T01:42:45Z"`) {
		t.Errorf("%s", out)
	}
	if _, verdict := a.Append(nil, []byte(web)); verdict != format.Rejected || a.Reason([]byte(web)) == "" {
		t.Errorf("%v", verdict)
	}
	if _, verdict := a.Clone().Append(nil, []byte(auth)); verdict != format.Matched {
		t.Errorf("a clone: %v", verdict)
	}
	a.SetReference(testTime)
	for _, line := range []string{web, "words"} {
		if _, verdict := a.Append(nil, []byte(line)); (verdict == format.Matched) != (line == web) {
			t.Errorf("%s: %v", line, verdict)
		}
	}
	again()
	if _, verdict := a.Append(nil, []byte(web)); verdict != format.Rejected {
		t.Errorf("auth.log goes on as another log: %v", verdict)
	}
	if _, err := a.Begin("empty", nil); err != nil {
		t.Error(err)
	}
	if _, err := a.Begin("words", []byte("words\nwords\n")); err == nil {
		t.Error("words are known")
	}
	if want := "auth.log: syslog, 100.0 % of 1 lines"; strings.Join(said, "; ") != want {
		t.Errorf("said %q, want %q", said, want)
	}
}
