package format

import (
	"logctl/format/timefmt"
	"logctl/format/token"
)

// kind is the type of what a capture takes.
type kind uint8

const (
	kindRun    kind = iota // any run of non-blanks
	kindIP                 // see token.IsIP
	kindHost               // see token.IsHost
	kindInt                // see token.IsInt
	kindFloat              // see token.IsFloat
	kindBool               // see token.IsBool
	kindHex                // see token.IsHex
	kindUUID               // see token.IsUUID
	kindTime               // see token.IsTime
	kindDate               // see token.IsDate, token.DatePrefix
	kindText               // any text, as little of it as can be; may hold blanks, as the ones below
	kindStamp              // see timefmt.Prefix
	kindQuoted             // see token.Quoted
	kindJSON               // one JSON value
	kindKV                 // pairs, see package kv
	kindRest               // the rest of the line
	numKinds
)

// kinds are the names of the types, as written behind a colon, and what they are called in a sentence.
var kinds = [numKinds]struct{ name, what string }{
	kindRun:    {"", "text without a blank"},
	kindIP:     {"ip", "an IP address"},
	kindHost:   {"host", "an IP address or the name of a host"},
	kindInt:    {"int", "a whole number"},
	kindFloat:  {"float", "a number"},
	kindBool:   {"bool", "true or false, yes or no, on or off"},
	kindHex:    {"hex", "hexadecimal digits"},
	kindUUID:   {"uuid", "a UUID"},
	kindTime:   {"time", "a time of day"},
	kindDate:   {"date", "a date"},
	kindText:   {"text", "text"},
	kindStamp:  {"ts", "a date with its time"},
	kindQuoted: {"quoted", "a string in quotes"},
	kindJSON:   {"json", "a JSON value"},
	kindKV:     {"kv", "key=value"},
	kindRest:   {"rest", "the rest of the line"},
}

func kindNamed(name string) (kind, bool) {
	for k := range kinds {
		if kinds[k].name == name && name != "" {
			return kind(k), true
		}
	}
	return 0, false
}

// inRun tells whether what the kind takes ends at the latest with the run that it begins in.
func (k kind) inRun() bool { return k <= kindDate }

// fits tells whether b is what a capture of a kind that is inRun takes.
func (k kind) fits(b []byte) bool {
	switch k {
	case kindIP:
		return token.IsIP(b)
	case kindHost:
		return token.IsHost(b)
	case kindInt:
		return token.IsInt(b)
	case kindFloat:
		return token.IsFloat(b)
	case kindBool:
		return token.IsBool(b)
	case kindHex:
		return token.IsHex(b)
	case kindUUID:
		return token.IsUUID(b)
	case kindTime:
		return token.IsTime(b)
	case kindDate:
		return token.IsDate(b)
	}
	return true
}

// prefix is the length of what a capture of a kind that may hold blanks takes from the front of b, or 0; last says that
// nothing follows the capture. JSON that it takes may still be none.
func (m *Match) prefix(k kind, b []byte, last bool) int {
	switch k {
	case kindDate:
		return token.DatePrefix(b)
	case kindStamp:
		return timefmt.Prefix(b)
	case kindQuoted:
		return token.Quoted(b)
	case kindJSON:
		return token.JSONPrefix(b)
	case kindKV:
		return m.pairs(b, last)
	}
	return 0
}
