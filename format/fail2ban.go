package format

import (
	"fmt"
	"strings"
	"time"

	"logctl/format/token"
	"logctl/store"
)

// fail2ban is the preset for what fail2ban 0.8 to 1.1 writes, to a file or through syslog. Its objects have these keys,
// in this order, each only where the line says it:
//
//	date     2017-06-14
//	hour     17:16:12,329, as in the line, without a zone
//	process  the jail
//	ip       the address, or the network, that the line is about; never a host name
//	level    NOTICE, …, in full
//	event    one of eventNames; "other" for everything that fail2ban says besides
//	message  what fail2ban says, where the keys above do not tell it all
type fail2ban struct {
	wanted    uint32 // a bit for each event
	constants [numKeys][]byte
	tail      []byte // constant fields with other keys, and the closing brace
	reference time.Time
	line      banLine // of Append, here so that it is not allocated each time
}

// The keys of the objects.
const (
	keyDate = iota
	keyHour
	keyProcess
	keyIP
	keyLevel
	keyEvent
	keyMessage
	numKeys
)

var keyNames = [numKeys]string{"date", "hour", "process", "ip", "level", "event", "message"}

// newFail2ban makes the preset for a choice of events: "" is ban alone, "all" is every one.
func newFail2ban(events string, constants []Field) (*fail2ban, error) {
	f := &fail2ban{}
	switch events {
	case "":
		f.wanted = 1 << eventBan
	case "all":
		f.wanted = 1<<numEvents - 1
	default:
		for name := range strings.SplitSeq(events, ",") {
			e, ok := eventNamed(strings.TrimSpace(name))
			if !ok {
				return nil, fmt.Errorf("there is no event %q: all, or some of %s", name, strings.Join(eventNames[:], ","))
			}
			f.wanted |= 1 << e
		}
	}
next:
	for _, c := range LastOfEach(constants) {
		for key, name := range keyNames {
			if c.Key == name {
				f.constants[key] = store.AppendJSONString(nil, c.Value)
				continue next
			}
		}
		f.tail = append(store.AppendJSONString(append(f.tail, ','), c.Key), ':')
		f.tail = store.AppendJSONString(f.tail, c.Value)
	}
	f.tail = append(f.tail, '}')
	return f, nil
}

// Append is Parser's: it appends the object of a line whose event is wanted.
func (f *fail2ban) Append(dst, line []byte) ([]byte, Verdict) {
	l := &f.line
	*l = banLine{}
	if !l.parse(line, f.reference) {
		return dst, Rejected
	}
	if f.wanted&(1<<l.event) == 0 {
		return dst, Skipped
	}
	start := len(dst)
	dst = f.member(dst, keyDate, `{"date":`, l.date)
	if len(dst) == start {
		dst = append(dst, '{')
	}
	dst = f.member(dst, keyHour, `,"hour":`, l.hour)
	dst = f.member(dst, keyProcess, `,"process":`, l.process)
	dst = f.member(dst, keyIP, `,"ip":`, l.ip)
	dst = f.member(dst, keyLevel, `,"level":`, l.level)
	if constant := f.constants[keyEvent]; constant != nil {
		dst = append(append(dst, `,"event":`...), constant...)
	} else {
		dst = append(append(append(dst, `,"event":"`...), eventNames[l.event]...), '"')
	}
	if !l.told() || f.constants[keyMessage] != nil {
		dst = f.member(dst, keyMessage, `,"message":`, l.message)
	}
	return append(dst, f.tail...), Matched
}

// member appends a key with its constant or else with what the line says, if it says anything.
func (f *fail2ban) member(dst []byte, key int, prefix string, value []byte) []byte {
	if constant := f.constants[key]; constant != nil {
		return append(append(dst, prefix...), constant...)
	}
	if len(value) == 0 {
		return dst
	}
	return token.AppendJSON(append(dst, prefix...), value)
}

// Reason is Parser's.
func (f *fail2ban) Reason([]byte) string { return "fail2ban did not write it" }

// SetReference is Parser's.
func (f *fail2ban) SetReference(t time.Time) { f.reference = t }

// Clone is Parser's.
func (f *fail2ban) Clone() Parser {
	other := *f
	return &other
}
