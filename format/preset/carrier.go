package preset

import (
	"bytes"
	"time"

	"logctl/format/kv"
	"logctl/format/syslog"
	"logctl/format/timefmt"
	"logctl/format/token"
	"logctl/store/ejson"
)

// The readers: what alternatives can't say.
const (
	readerSyslog   = "syslog"
	readerJournald = "journald"
	readerJSON     = "json"
	readerFail2ban = "fail2ban"
)

var readers = []string{readerFail2ban, readerJournald, readerJSON, readerSyslog}

// headNames are the members that carriers write.
var headNames = [...]string{"time", "host", "application", "module", "pid", "facility", "level", "id", "data", "unit", "repeated", "message"}

// inner is a message within a line.
type inner struct {
	text    []byte
	app     []byte // who wrote it
	message []byte // the message as JSON, where it is no text
}

// open appends what a carrier says around a message to dst, as an object without its end, and gives the message. nested is the
// carrier at work, where it is a preset like others.
func (p *Parser) open(carrier *program, nested *Parser, dst, line []byte) ([]byte, inner, bool) {
	p.head = p.head[:0]
	switch carrier.def.Reader {
	case readerSyslog:
		return p.openSyslog(dst, line)
	case readerJournald:
		return p.openJournald(dst, line)
	}
	return p.openObject(nested, dst, line)
}

// overridden tells whether the caller gives a member its value.
func (p *plan) overridden(name string) bool {
	for i := range p.override {
		if p.override[i].Key == name {
			return true
		}
	}
	return false
}

// string appends a member to the head, unless it has no text.
func (p *Parser) string(dst []byte, name string, text []byte) []byte {
	if len(text) == 0 || p.overridden(name) {
		return dst
	}
	start := len(dst)
	if dst[start-1] == '{' {
		start--
	}
	dst = token.AppendJSON(appendKey(dst, name), text)
	p.head = append(p.head, headMember{name, start, len(dst)})
	return dst
}

// raw is string for a value that is JSON.
func (p *Parser) raw(dst []byte, name string, value []byte) []byte {
	if len(value) == 0 || p.overridden(name) {
		return dst
	}
	start := len(dst)
	if dst[start-1] == '{' {
		start--
	}
	dst = append(appendKey(dst, name), value...)
	p.head = append(p.head, headMember{name, start, len(dst)})
	return dst
}

// number is string for a number, where the text is one.
func (p *Parser) number(dst []byte, name string, text []byte) []byte {
	if !token.IsInt(text) {
		return p.string(dst, name, text)
	}
	var buf [24]byte
	return p.raw(dst, name, token.AppendInt(buf[:0], text))
}

// priority appends facility and level.
func (p *Parser) priority(dst []byte, facility, severity int) []byte {
	if facility >= 0 && facility < len(syslog.Facilities) {
		dst = p.string(dst, "facility", []byte(syslog.Facilities[facility]))
	}
	if severity >= 0 && severity < len(syslog.Severities) {
		dst = p.string(dst, "level", []byte(syslog.Severities[severity]))
	}
	return dst
}

// openSyslog reads a line of syslog's.
func (p *Parser) openSyslog(dst, line []byte) ([]byte, inner, bool) {
	h, ok := syslog.Parse(line, p.reference)
	if !ok {
		return dst, inner{}, false
	}
	dst = append(dst, '{')
	if h.Month > 0 {
		if t, ok := timefmt.Of(h.Year, h.Month, h.Day, h.Time, h.Zone); ok {
			var buf [64]byte
			dst = p.string(dst, "time", t.AppendRFC3339(buf[:0], p.zone, p.reference))
		}
	}
	if !h.Instant.IsZero() {
		var buf [48]byte
		dst = p.string(dst, "time", h.Instant.In(p.zone).AppendFormat(buf[:0], time.RFC3339Nano))
	}
	dst = p.string(dst, "host", h.Host)
	in := inner{text: h.Text, app: h.Tag}
	if !h.Tagged && len(h.Tag) > 0 { // the tag is the text's first word
		in.app, in.text = nil, line[len(line)-len(h.Behind):]
	}
	dst = p.string(dst, "application", in.app)
	dst = p.string(dst, "module", bytes.TrimPrefix(h.Module, []byte("pam_")))
	dst = p.number(dst, "pid", h.PID)
	if h.Priority >= 0 {
		dst = p.priority(dst, h.Priority/8, h.Priority%8)
	}
	dst = p.string(dst, "id", h.ID)
	dst = p.raw(dst, "data", p.structured(h.Data))
	if n, text, ok := syslog.Repeated(in.text); ok {
		dst, in.text = p.number(dst, "repeated", n), text
	}
	return dst, in, true
}

// structured is RFC 5424's structured data as an object of objects, in a buffer that the next call takes.
func (p *Parser) structured(data []byte) []byte {
	if len(data) == 0 {
		return nil
	}
	p.parts, _, _ = kv.Structured(p.parts[:0], data)
	p.json = append(p.json[:0], '{')
	for i := range p.parts {
		part := &p.parts[i]
		switch {
		case i == 0 || !part.Element && p.parts[i-1].Element:
		case part.Element:
			p.json = append(p.json, '}', ',')
		default:
			p.json = append(p.json, ',')
		}
		p.json = append(token.AppendJSON(p.json, part.Key.Of(data)), ':')
		if part.Element {
			p.json = append(p.json, '{')
			continue
		}
		p.text = appendParam(p.text[:0], part.Value.Of(data))
		p.json = token.AppendJSON(p.json, p.text)
	}
	if len(p.parts) > 0 {
		p.json = append(p.json, '}')
	}
	p.json = append(p.json, '}')
	start := len(p.json)
	out, err := ejson.Compact(p.json, p.json) // a key may come twice
	if err != nil {
		return nil
	}
	p.json = out
	return out[start:]
}

// appendParam appends a parameter's value without the backslashes before a quote, a backslash and a bracket.
func appendParam(dst, value []byte) []byte {
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) && (value[i+1] == '"' || value[i+1] == '\\' || value[i+1] == ']') {
			i++
		}
		dst = append(dst, value[i])
	}
	return dst
}

// openObject reads a line by a preset whose objects have a message.
func (p *Parser) openObject(nested *Parser, dst, line []byte) ([]byte, inner, bool) {
	p.json = p.json[:0]
	out, ok := nested.read(p.json, line)
	p.json = out
	if !ok {
		return dst, inner{}, false
	}
	dst = append(dst, '{')
	in, found := inner{}, false
	err := ejson.Members(p.json, func(key, value []byte) error {
		name := string(key)
		if name == "message" && len(value) > 0 && value[0] == '"' {
			p.text, found = appendUnquoted(p.text[:0], value), true
			in.text = p.text
			return nil
		}
		if name == "application" && len(value) > 1 && value[0] == '"' {
			in.app = value[1 : len(value)-1]
		}
		dst = p.raw(dst, name, value)
		return nil
	})
	return dst, in, err == nil && found
}
