package lines

// Verdict is what a Formatter makes of text.
type Verdict uint8

// Text is nothing that the Formatter knows, makes a doc, or is some that nobody asked for.
const (
	Reject Verdict = iota
	Doc
	Skip
)

// Formatter makes docs of text. It is used by one goroutine at a time.
type Formatter interface {
	// Append appends the doc of a line to dst: a JSON object in stored form, without _id. It appends nothing with another verdict.
	Append(dst, line []byte) ([]byte, Verdict)
	// Reason says in a sentence why a line is a Reject.
	Reason(line []byte) string
}

// syslogPreset is what syslog messages are made docs by where nothing else is said.
var syslogPreset = Format{Preset: "syslog"}

// formats are the Formatters of a table's routes.
type formats struct {
	syslog  Formatter
	ofRoute []Formatter // nil: none is said
}

// compiled makes formats again and again: Formatters are for one goroutine each.
type compiled struct {
	syslog  func() Formatter
	ofRoute []func() Formatter
}

// compile makes ready what a table's routes say of formats.
func compile(t *Table, of func(Format) (func() Formatter, error)) (*compiled, error) {
	c := &compiled{ofRoute: make([]func() Formatter, len(t.Routes))}
	var err error
	if c.syslog, err = of(syslogPreset); err != nil {
		return nil, err
	}
	for i := range t.Routes {
		if f := t.Routes[i].Format; f.given() {
			if c.ofRoute[i], err = of(f); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (c *compiled) formats() *formats {
	f := &formats{syslog: c.syslog(), ofRoute: make([]Formatter, len(c.ofRoute))}
	for i, of := range c.ofRoute {
		if of != nil {
			f.ofRoute[i] = of()
		}
	}
	return f
}

// of is the Formatter of a route, nil for none.
func (f *formats) of(route int) Formatter {
	if route < 0 {
		return nil
	}
	return f.ofRoute[route]
}
