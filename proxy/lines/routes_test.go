package lines

import (
	"strings"
	"testing"
)

func TestFits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a*", "ab", true}, {"*", "", true}, {"*b", "ab", true}, {"ab*b", "ab", false},
		{"a*b*c", "axxbxxc", true}, {"a*b*c", "axxcxxb", false}, {"*fw*", "CN=fw1,O=x", true}, {"", "", true}, {"", "x", false},
		{"a**b", "ab", true}, {"*ab", "aab", true}, {"*a*ab", "aab", true},
	} {
		if got := fits(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q of %q: %v", tt.pattern, tt.text, got)
		}
	}
}

const routesText = `
default = "other"

[[route]]
input = "syslog"
application = ["sshd", "sudo*"]
app = "auth"
preset = "syslog"

[[route]]
certificate = "CN=fw*"
app = "firewall"
schema = '$a $b'
fields = { site = "berlin" }

[[route]]
label = { job = "nginx", env = ["prod", "test"] }
app_from = "team"

[[route]]
host = "192.0.2.*"
app_from = "host"
`

func TestTable(t *testing.T) {
	t.Parallel()
	table, err := ParseTable([]byte(routesText))
	if err != nil {
		t.Fatal(err)
	}
	look := func(l labels) func(string) string {
		return func(name string) string { v, _ := l.get(name); return v }
	}
	for _, tt := range []struct {
		o     origin
		route int
		app   string
	}{
		{origin{input: InputSyslog, application: "sshd"}, 0, "auth"},
		{origin{input: InputSyslog, application: "sudo-x"}, 0, "auth"},
		{origin{input: InputLoki, application: "sshd"}, -1, "other"},
		{origin{input: InputLines, certificate: "CN=fw1,O=x"}, 1, "firewall"},
		{origin{input: InputLoki, label: look(labels{{"job", "nginx"}, {"env", "prod"}, {"team", "Web"}})}, 2, "web"},
		{origin{input: InputLoki, label: look(labels{{"job", "nginx"}, {"env", "prod"}, {"team", "../x"}})}, 2, "other"},
		{origin{input: InputLoki, label: look(labels{{"job", "nginx"}, {"env", "dev"}})}, -1, "other"},
		{origin{input: InputSyslog, host: "192.0.2.1"}, 3, "other"}, // no app has a dot in its name
		{origin{input: InputLoki, label: look(labels{{"job", "nginx"}, {"env", "test"}, {"team", "logctl_audit"}})}, 2, "other"},
		{origin{input: InputLoki, label: look(labels{{"job", "nginx"}, {"env", "test"}, {"team", "web_rejects"}})}, 2, "other"},
	} {
		if got := table.find(&tt.o); got != tt.route || table.app(got, &tt.o) != tt.app {
			t.Errorf("%+v: route %d, app %s, want %d, %s", tt.o, got, table.app(got, &tt.o), tt.route, tt.app)
		}
	}
	if got := (&Table{}).app(-1, &origin{input: InputLoki}); got != "loki" {
		t.Errorf("the default is %s", got)
	}
}

func TestTableMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"default = 'A'":                                 "default: ",
		"[[route]]\nhost = 'x'":                         "route 1: it says no app",
		"[[route]]\napp = 'a'\napp_from = 'host'":       "leave one out",
		"[[route]]\napp = 'a'\npreset='x'\nschema='$a'": "leave one out",
		"[[route]]\napp = 'logctl_audit'":               "logctl's own",
		"[[route]]\napp = 'a_rejects'":                  "logctl's own",
		"[[route]]\napp = 'a'\ninput = 'udp'":           `there is no input "udp"`,
		"[[route]]\napp = 'a'\nhots = 'udp'":            `there is no "route.hots"`,
		"[[route]]\napp = 'a'\nhost = 3":                "want a text",
		"[[route]]\napp = 'a'\nfields = {a='b'}":        "go with a preset or a schema",
		"max_apps = -1":                                 "below zero",
		"[[route":                                       "line 1",
	} {
		_, err := ParseTable([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func FuzzParseTable(f *testing.F) {
	f.Add([]byte(routesText))
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := ParseTable(text)
		if err != nil {
			return
		}
		o := origin{input: InputSyslog, host: string(text), application: "a"}
		if app := table.app(table.find(&o), &o); checkApp(app) != nil {
			t.Errorf("app %q", app)
		}
	})
}
