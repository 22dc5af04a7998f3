package preset

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"logctl/format/token"
	"logctl/store/ejson"
)

// entry is what an entry of the journal says, as JSON values, of the fields that are members of the doc under other names.
type entry struct {
	realtime, host, identifier, comm, pid, priority, facility, unit, message []byte
}

// field is where an entry keeps a field, or nil.
func (e *entry) field(name string) *[]byte {
	switch name {
	case "__REALTIME_TIMESTAMP":
		return &e.realtime
	case "_HOSTNAME":
		return &e.host
	case "SYSLOG_IDENTIFIER":
		return &e.identifier
	case "_COMM":
		return &e.comm
	case "_PID", "SYSLOG_PID":
		if e.pid == nil {
			return &e.pid
		}
	case "PRIORITY":
		return &e.priority
	case "SYSLOG_FACILITY":
		return &e.facility
	case "_SYSTEMD_UNIT":
		return &e.unit
	case "MESSAGE":
		return &e.message
	}
	return nil
}

// openJournald reads an entry as journalctl -o json writes it. A field with bytes that are no text is an array of numbers there,
// one that comes several times an array of its values, one that is very large null. Fields with an underscore in front, which
// the journal has added, are left out, but for those that become members; programs' own fields are kept as they are, by name:
// journalctl has another order in each run, and a doc's id must not. What the journal takes for no field's name is none.
func (p *Parser) openJournald(dst, line []byte) ([]byte, inner, bool) {
	object, err := p.object(line)
	if err != nil {
		return dst, inner{}, false
	}
	var e entry
	if err := ejson.Members(object, func(key, value []byte) error {
		if f := e.field(string(key)); f != nil {
			*f = value
		}
		return nil
	}); err != nil || e.realtime == nil {
		return dst, inner{}, false
	}
	dst = append(dst, '{')
	if micros, err := strconv.ParseInt(string(fieldText(e.realtime)), 10, 64); err == nil {
		if t := time.UnixMicro(micros).In(p.zone); t.Year() >= 0 && t.Year() <= 9999 {
			var buf [48]byte
			dst = p.string(dst, "time", t.AppendFormat(buf[:0], "2006-01-02T15:04:05.000000Z07:00"))
		}
	}
	in := inner{}
	dst = p.string(dst, "host", fieldText(e.host))
	if e.identifier == nil {
		e.identifier = e.comm
	}
	in.app = fieldText(e.identifier)
	dst = p.string(dst, "application", in.app)
	dst = p.number(dst, "pid", fieldText(e.pid))
	dst = p.priority(dst, smallInt(e.facility), smallInt(e.priority))
	dst = p.string(dst, "unit", fieldText(e.unit))
	p.own = p.own[:0]
	err = ejson.Members(object, func(key, value []byte) error {
		if name := string(key); isOwnField(name) && (&entry{}).field(name) == nil && name != "SYSLOG_TIMESTAMP" && name != "SYSLOG_RAW" {
			p.own = append(p.own, ownField{name, value})
		}
		return nil
	})
	slices.SortStableFunc(p.own, func(a, b ownField) int { return strings.Compare(a.name, b.name) })
	for _, f := range p.own {
		dst = p.raw(dst, f.name, f.value)
	}
	p.setMessage(&in, e.message)
	return dst, in, err == nil
}

// setMessage makes text of a message: a string, or bytes as an array of numbers. Anything else is kept as it is.
func (p *Parser) setMessage(in *inner, value []byte) {
	p.text = p.text[:0]
	switch {
	case isString(value):
		p.text = appendUnquoted(p.text, value)
	case len(value) > 1 && value[0] == '[':
		if err := ejson.Elements(value, func(elem []byte) error {
			n, err := strconv.ParseUint(string(elem), 10, 8)
			p.text = append(p.text, byte(n))
			return err
		}); err != nil {
			in.message = value
			return
		}
	}
	in.text = p.text
}

// isOwnField tells whether a field of a program's own may have that name: capital letters, digits and underscores, of which a letter
// comes first.
func isOwnField(name string) bool {
	for i := range len(name) {
		if c := name[i]; c-'A' >= 26 && (i == 0 || c-'0' >= 10 && c != '_') {
			return false
		}
	}
	return name != ""
}

// ownField is a field of a program's own.
type ownField struct {
	name  string
	value []byte
}

// fieldText is the text of a JSON string, of bytes as an array of numbers, of the first of several values, or of another value as it is.
func fieldText(value []byte) []byte {
	switch {
	case len(value) == 0 || value[0] == '{' || string(value) == "null":
		return nil
	case isString(value) && bytes.IndexByte(value, '\\') < 0:
		return value[1 : len(value)-1]
	case isString(value):
		return appendUnquoted(nil, value)
	case value[0] != '[':
		return value
	}
	var first, text []byte
	isBytes := true
	err := ejson.Elements(value, func(elem []byte) error {
		if first == nil {
			first = elem
		}
		n, err := strconv.ParseUint(string(elem), 10, 8)
		isBytes = isBytes && err == nil
		text = append(text, byte(n))
		return nil
	})
	switch {
	case err != nil || first == nil:
		return nil
	case isBytes:
		return text
	case isString(first) || first[0] == '[' && first[1] != '[':
		return fieldText(first)
	}
	return nil
}

func smallInt(value []byte) int {
	n, ok := token.Digits(fieldText(value))
	if !ok {
		return -1
	}
	return n
}
