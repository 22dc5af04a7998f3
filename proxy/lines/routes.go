package lines

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/BurntSushi/toml"

	"logctl/store"
)

// The inputs, as routes name them.
const (
	InputSyslog = "syslog"
	InputLines  = "lines"
	InputLoki   = "loki"
)

// patterns are texts with * for any text, one of which has to fit. None of them is no question.
type patterns []string

// UnmarshalTOML takes a text or an array of them.
func (p *patterns) UnmarshalTOML(value any) error {
	switch v := value.(type) {
	case string:
		*p = patterns{v}
		return nil
	case []any:
		for _, elem := range v {
			s, ok := elem.(string)
			if !ok {
				return errors.New("want a text, or an array of texts")
			}
			*p = append(*p, s)
		}
		return nil
	}
	return errors.New("want a text, or an array of texts")
}

func (p patterns) fit(text string) bool {
	if len(p) == 0 {
		return true
	}
	for _, pattern := range p {
		if fits(pattern, text) {
			return true
		}
	}
	return false
}

// fits tells whether text is what a pattern says, where * is any text.
func fits(pattern, text string) bool {
	for {
		lead, rest, star := strings.Cut(pattern, "*")
		if !star {
			return pattern == text
		}
		if !strings.HasPrefix(text, lead) {
			return false
		}
		text = text[len(lead):]
		next, _, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(text, next) // the last star takes all that it can
		}
		i := strings.Index(text, next)
		if i < 0 {
			return false
		}
		text, pattern = text[i:], rest
	}
}

// Route says which messages it is about, all that is said being necessary, and what becomes of them.
type Route struct {
	Input       patterns            `toml:"input"`
	Application patterns            `toml:"application"`
	Host        patterns            `toml:"host"` // what the message says, or the peer's address
	Certificate patterns            `toml:"certificate"`
	Label       map[string]patterns `toml:"label"`

	App     string `toml:"app"`
	AppFrom string `toml:"app_from"` // application, host, or a label's name: whose value names the app

	Format
}

// Format says what a message's text is made a doc by, in the words of the command line. Nothing said is what suits the input.
type Format struct {
	Preset     string            `toml:"preset"`
	Schema     patterns          `toml:"schema"`
	Fields     map[string]string `toml:"fields"`
	Events     string            `toml:"events"`
	Delimiter  string            `toml:"delimiter"`
	Time       patterns          `toml:"time"`
	TimeLayout string            `toml:"time_layout"`
	TimeZone   string            `toml:"time_zone"`
}

// given tells whether anything is said.
func (f *Format) given() bool { return f.Preset != "" || len(f.Schema) > 0 }

// Table is the routes, of which the first that a message fits takes it, and the app of all other messages.
type Table struct {
	Default string  `toml:"default"` // "": the app syslog, lines or loki, by the input
	MaxApps int     `toml:"max_apps"`
	Routes  []Route `toml:"route"`
}

// defaultMaxApps is how many apps app_from may make.
const defaultMaxApps = 100

// ReadTable reads a file of routes.
func ReadTable(path string) (*Table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	t, err := ParseTable(text)
	if err != nil {
		return nil, fmt.Errorf("routes %s: %w", path, err)
	}
	return t, nil
}

// ParseTable reads routes in TOML.
func ParseTable(text []byte) (*Table, error) {
	t := &Table{}
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(t)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("there is no %q", unknown[0].String())
	}
	if t.MaxApps < 0 {
		return nil, errors.New("max_apps must not be below zero")
	}
	if t.MaxApps == 0 {
		t.MaxApps = defaultMaxApps
	}
	if t.Default != "" {
		if err := checkApp(t.Default); err != nil {
			return nil, fmt.Errorf("default: %w", err)
		}
	}
	for i := range t.Routes {
		if err := t.Routes[i].check(); err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
	}
	return t, nil
}

func (r *Route) check() error {
	switch {
	case r.App == "" && r.AppFrom == "":
		return errors.New(`it says no app: app = "NAME", or app_from = "application"`)
	case r.App != "" && r.AppFrom != "":
		return errors.New("app and app_from both say the app: leave one out")
	case r.Preset != "" && len(r.Schema) > 0:
		return errors.New("schema and preset both say what lines look like: leave one out")
	case !r.given() && (len(r.Fields) > 0 || r.Events != "" || len(r.Time) > 0 || r.Delimiter != "" || r.TimeLayout != "" || r.TimeZone != ""):
		return errors.New(`fields, events and time go with a preset or a schema; preset = "syslog" is what syslog has without one`)
	}
	if r.App != "" {
		if err := checkApp(r.App); err != nil {
			return fmt.Errorf("app: %w", err)
		}
	}
	for _, input := range r.Input {
		if input != InputSyslog && input != InputLines && input != InputLoki {
			return fmt.Errorf("there is no input %q: %s, %s or %s", input, InputSyslog, InputLines, InputLoki)
		}
	}
	return nil
}

// checkApp tells why messages can't go to an app of that name.
func checkApp(name string) error {
	db, err := store.AppDB(name)
	if err != nil {
		return err
	}
	if _, rejects := db.RejectsOf(); rejects || db == store.TrailDB {
		return fmt.Errorf("%s is logctl's own", name)
	}
	return nil
}

// origin is what routes ask about a message.
type origin struct {
	input       string
	peer        string // its address
	certificate string // the subject of its certificate, such as CN=fw1,O=Example; "" for none
	commonName  string // of that
	application string
	host        string
	label       func(name string) string
	owned       func(app string) bool // apps that no message may name; nil: none
}

// value is what app_from names.
func (o *origin) value(name string) string {
	switch {
	case o.label != nil && o.label(name) != "":
		return o.label(name)
	case name == "application":
		return o.application
	case name == "host":
		return o.host
	}
	return ""
}

// find is the place of the first route that fits, or -1.
func (t *Table) find(o *origin) int {
	for i := range t.Routes {
		if t.Routes[i].takes(o) {
			return i
		}
	}
	return -1
}

func (r *Route) takes(o *origin) bool {
	if !r.Input.fit(o.input) || !r.Application.fit(o.application) || !r.Host.fit(o.host) || !r.Certificate.fit(o.certificate) {
		return false
	}
	for name, want := range r.Label {
		if o.label == nil || !want.fit(o.label(name)) {
			return false
		}
	}
	return true
}

// app is the app of a message that a route, or none (-1), takes. It is of no use where the route names one that there can't be.
func (t *Table) app(route int, o *origin) string {
	if route >= 0 {
		r := &t.Routes[route]
		if r.App != "" {
			return r.App
		}
		if name := strings.ToLower(o.value(r.AppFrom)); isAppName(name) && (o.owned == nil || !o.owned(name)) {
			return name
		}
	}
	if t.Default != "" {
		return t.Default
	}
	return o.input
}

// isAppName tells whether a text that a peer has sent may be an app's name: a small part of the names that a database may have, so that
// no name means anything to anybody else.
func isAppName(s string) bool {
	if s == "" || len(s) > 64 || checkApp(s) != nil {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}
