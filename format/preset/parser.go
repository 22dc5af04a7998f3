package preset

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"logctl/format"
	"logctl/format/kv"
	"logctl/format/token"
	"logctl/store"
)

// Options say how a preset is used.
type Options struct {
	Fields string // as format.ParseFields: members of every doc, instead of what lines say
	Events string // "all", or events with commas between, of the docs to make; "" is the preset's own choice
	Zone   string // an IANA name: where times are from that tell no zone; "" is the machine's
}

// Parser is a format.Parser of a preset.
type Parser struct {
	*plan
	ban       *format.Formatter // of the reader fail2ban
	outer     []*Parser         // of plan.carriers that are no readers
	m         format.Match
	reference time.Time
	head      []headMember // of the object at hand, what a carrier has written of it
	text      []byte       // a message without its escapes
	json      []byte       // a line in stored form, or a part of an object
	parts     []kv.Part    // of structured data
	own       []ownField   // of an entry of the journal
	taken     []string     // the members of a JSON object that docs have under other names
	byApp     map[string][]*program
	last      *alt // the alternative that made the last object; nil: none did
}

// plan is what a Parser does: not changed, and shared by its clones.
type plan struct {
	*program
	carriers []*program // that the program reads the message of
	alone    bool       // it reads lines
	programs []*program // of a carrier: those that read its messages
	native   *program   // of a carrier: the one that reads whole lines
	zone     *time.Location
	events   []string
	override []format.Field
	members  []byte // of override, each with a comma in front
}

// headMember is a member that a carrier has written: its name, and its place with the comma in front.
type headMember struct {
	name       string
	start, end int
}

// Parser is the preset of that name at work. Errors in a definition are *Error, those in fields *format.SyntaxError.
func (s *Set) Parser(name string, o Options) (*Parser, error) {
	fields, err := format.ParseFields(o.Fields)
	if err != nil {
		return nil, err
	}
	c := &compiler{set: s, overrides: format.LastOfEach(fields), zone: o.Zone, done: map[string]*program{}}
	return c.parser(name, o)
}

func (c *compiler) parser(name string, o Options) (*Parser, error) {
	prog, err := c.program(name)
	if err != nil {
		return nil, err
	}
	pl := &plan{program: prog, zone: time.Local, override: c.overrides, alone: prog.def.Alone || len(prog.def.Inside) == 0}
	if o.Zone != "" {
		if pl.zone, err = time.LoadLocation(o.Zone); err != nil {
			return nil, fmt.Errorf("there is no time zone %q: a name like Europe/Berlin, or UTC", o.Zone)
		}
	}
	for _, f := range c.overrides {
		pl.members = appendConstant(pl.members, f)
	}
	p := &Parser{plan: pl}
	if o.Events != "" && o.Events != "all" {
		for e := range strings.SplitSeq(o.Events, ",") {
			pl.events = append(pl.events, strings.TrimSpace(e))
		}
	}
	switch prog.def.Reader {
	case readerSyslog, readerJournald:
		if err := c.addPrograms(pl); err != nil {
			return nil, err
		}
	case readerFail2ban:
		return p, p.addFail2ban(o)
	}
	for _, outer := range prog.def.Inside {
		carrier, err := c.program(outer)
		if err != nil {
			return nil, err
		}
		pl.carriers = append(pl.carriers, carrier)
		var nested *Parser
		if !carrier.isCarrier() {
			if nested, err = c.parser(outer, Options{Zone: o.Zone}); err != nil {
				return nil, err
			}
		}
		p.outer = append(p.outer, nested)
	}
	if pl.native != nil {
		err = p.addFail2ban(Options{Fields: o.Fields, Events: "all"})
	}
	p.SetReference(time.Now())
	return p, err
}

func (p *Parser) addFail2ban(o Options) (err error) {
	p.ban, err = format.New(format.Options{Preset: readerFail2ban, Events: o.Events, Fields: o.Fields})
	return err
}

// isCarrier tells whether the program is a reader of lines that hold a message of a program with a name.
func (p *program) isCarrier() bool {
	return p.def.Reader == readerSyslog || p.def.Reader == readerJournald
}

// Append is format.Parser's. A line without text is skipped.
func (p *Parser) Append(dst, line []byte) ([]byte, format.Verdict) {
	start := len(dst)
	p.last = nil
	if p.def.Reader == readerFail2ban {
		return p.ban.Append(dst, line)
	}
	if token.SkipBlanks(line, 0) == len(line) {
		return dst, format.Skipped
	}
	p.m.Reference = p.reference
	dst, ok := p.read(dst, line)
	if !ok {
		return dst[:start], format.Rejected
	}
	if p.events != nil {
		if event, _ := memberText(dst[start:], eventKey); !p.wanted(event) {
			return dst[:start], format.Skipped
		}
	}
	return dst, format.Matched
}

var eventKey = []byte(`"event":`)

func (p *Parser) wanted(event []byte) bool {
	for _, e := range p.events {
		if string(event) == e {
			return true
		}
	}
	return false
}

// read appends the object of a line.
func (p *Parser) read(dst, line []byte) ([]byte, bool) {
	start := len(dst)
	switch p.def.Reader {
	case readerSyslog, readerJournald:
		dst, in, ok := p.open(p.program, nil, dst, line)
		if !ok {
			return dst, false
		}
		return p.dispatch(dst, start, line, in)
	case readerJSON:
		dst, ok := p.readJSON(dst, line)
		if !ok {
			return dst, false
		}
		return p.finish(dst, start, p.program), true
	}
	if p.alone {
		p.head = p.head[:0]
		read := p.body
		if len(p.carriers) == 0 {
			read = p.bodyOrMessage
		}
		if out, ok := read(append(dst, '{'), start, p.program, line); ok {
			return p.finish(out, start, p.program), true
		}
	}
	for i, carrier := range p.carriers {
		out, in, ok := p.open(carrier, p.outer[i], dst[:start], line)
		if !ok || !p.program.wants(out[start:], in) {
			continue
		}
		if out, ok := p.bodyOrMessage(out, start, p.program, in.text); ok {
			return p.finish(out, start, p.program), true
		}
	}
	return dst, false
}

// wants tells whether the program's conditions hold for an object, its end still missing, and the message in it.
func (c *program) wants(object []byte, in inner) bool {
	for i := range c.cond {
		text := in.app
		if c.cond[i].member != "application" {
			var buf [80]byte
			text, _ = memberText(object, append(quoted(buf[:0], c.cond[i].member), ':'))
		}
		if !c.cond[i].fits(text) {
			return false
		}
	}
	return true
}

// bodyOrMessage is body where other text may be kept as message.
func (p *Parser) bodyOrMessage(dst []byte, start int, c *program, text []byte) ([]byte, bool) {
	if out, ok := p.body(dst, start, c, text); ok {
		return out, true
	}
	if c.otherwise == nil {
		return dst, false
	}
	return p.keep(dst, c, inner{text: text}), true
}

// keep appends a message that is not taken apart, and the constants of a program that takes others apart or else the caller's.
func (p *Parser) keep(dst []byte, c *program, in inner) []byte {
	constant, members := p.overridden, p.members
	if c != nil {
		constant, members = func(name string) bool { return slices.Contains(c.otherNames, name) }, c.otherwise
	}
	dst = p.dropHead(dst, constant)
	switch {
	case constant("message"):
	case in.message != nil:
		dst = append(appendKey(dst, "message"), in.message...)
	case len(in.text) > 0:
		dst = token.AppendJSON(appendKey(dst, "message"), in.text)
	}
	return appendMembers(dst, members)
}

// body appends the members of the first alternative that fits the text.
func (p *Parser) body(dst []byte, start int, c *program, text []byte) ([]byte, bool) {
	text = text[token.SkipBlanks(text, 0):]
	all := c.empty
	if len(text) > 0 {
		all = c.first[text[0]]
	}
	for _, a := range all {
		if !a.schema.Match(&p.m, text) || !a.fits(&p.m) {
			continue
		}
		p.last = a
		dst = p.dropHead(dst, func(name string) bool { return p.writes(a, name) })
		p.m.Taken = p.m.Taken[:0]
		for i := range p.head {
			p.m.Taken = append(p.m.Taken, p.head[i].name)
		}
		dst = a.schema.AppendMembers(dst, &p.m, a.omitted(&p.m, c.absent))
		return p.complete(dst, start, a), true
	}
	return dst, false
}

// complete adds to the object of an alternative what follows from it.
func (p *Parser) complete(dst []byte, start int, a *alt) []byte {
	if a.ip >= 0 {
		if ip, _ := p.m.Bytes(a.ip); bytes.HasPrefix(ip, mappedPrefix) {
			dst = unmapped(dst, start)
		}
	}
	for _, d := range a.derive {
		if d.slot < 0 {
			dst = d.append(dst, start)
		} else if text, ok := p.m.Bytes(d.slot); ok {
			dst = d.appendOf(dst, start, text)
		}
	}
	return dst
}

// dropHead takes out of the object those of the carrier's members that something else writes.
func (p *Parser) dropHead(dst []byte, written func(name string) bool) []byte {
	for i := len(p.head) - 1; i >= 0; i-- {
		h := &p.head[i]
		if !written(h.name) {
			continue
		}
		if dst[h.start] == '{' { // the first goes with the comma behind it
			h.start++
			h.end = min(h.end+1, len(dst))
		}
		dst = append(dst[:h.start], dst[h.end:]...)
	}
	return dst
}

// writes tells whether an alternative, which has just fit, writes a member.
func (p *Parser) writes(a *alt, name string) bool {
	if !slices.Contains(a.members, name) {
		return false
	}
	if slot := a.schema.Slot(name); slot >= 0 {
		_, ok := p.m.Bytes(slot)
		return ok || slices.Contains(a.fields, name)
	}
	return name != "time" || p.m.HasTime() || slices.Contains(a.fields, name)
}

// finish ends an object.
func (p *Parser) finish(dst []byte, start int, c *program) []byte {
	if p.last != nil {
		return append(dst, '}')
	}
	dst = unmapped(dst, start)
	for i := range c.derive {
		dst = c.derive[i].append(dst, start)
	}
	return append(dst, '}')
}

// mappedPrefix is how an IPv4 address begins that is written as an IPv6 one.
var mappedPrefix = []byte("::ffff:")

var ipKey = []byte(`"ip":`)

// unmapped makes the address in an object in dst[start:] the IPv4 address that it stands for.
func unmapped(dst []byte, start int) []byte {
	ip, _ := memberText(dst[start:], ipKey)
	plain, ok := bytes.CutPrefix(ip, mappedPrefix)
	if !ok || !token.IsIP(plain) || bytes.IndexByte(plain, ':') >= 0 {
		return dst
	}
	at := start + memberAt(dst[start:], ipKey) + len(`"`)
	return slices.Delete(dst, at, at+len(mappedPrefix))
}

// SetReference is format.Parser's.
func (p *Parser) SetReference(t time.Time) {
	p.reference = t
	if p.ban != nil {
		p.ban.SetReference(t)
	}
	for _, o := range p.outer {
		if o != nil {
			o.SetReference(t)
		}
	}
}

// Clone is format.Parser's.
func (p *Parser) Clone() format.Parser { return p.clone() }

func (p *Parser) clone() *Parser {
	other := &Parser{plan: p.plan, reference: p.reference}
	if p.ban != nil {
		other.ban = p.ban.Clone()
	}
	for _, o := range p.outer {
		if o != nil {
			o = o.clone()
		}
		other.outer = append(other.outer, o)
	}
	return other
}

// Made names the alternative that made the last object: the preset it stands in and its number there, or "" if none did, as
// where text is kept as it is.
func (p *Parser) Made() (preset string, number int) {
	if p.last == nil {
		return "", 0
	}
	return p.last.of, p.last.number
}

// Fits tells whether the line that the last object is of was understood: an alternative fits it, or a reader has read it. Otherwise
// its text was only kept as it is.
func (p *Parser) Fits() bool { return p.last != nil || p.def.Reader != "" }

// quoted appends a string as JSON.
func quoted(dst []byte, s string) []byte { return store.AppendJSONString(dst, s) }

// appendKey appends a key to an object: a comma, unless it is the first, the key and a colon.
func appendKey(dst []byte, key string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(quoted(dst, key), ':')
}

// appendMembers appends members, each with a comma in front, to an object.
func appendMembers(dst, members []byte) []byte {
	if len(members) > 0 && dst[len(dst)-1] == '{' {
		members = members[1:]
	}
	return append(dst, members...)
}
