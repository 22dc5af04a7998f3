package timefmt

import "logctl/format/token"

// zoneNames are the abbreviations of RFC 5322 and of Europe, in minutes east of UTC. Others mean different things in
// different places.
var zoneNames = [...]struct {
	name    string
	minutes int
}{
	{"UTC", 0}, {"GMT", 0}, {"UT", 0}, {"EST", -300}, {"EDT", -240}, {"CST", -360}, {"CDT", -300}, {"MST", -420}, {"MDT", -360},
	{"PST", -480}, {"PDT", -420}, {"WET", 0}, {"WEST", 60}, {"CET", 60}, {"CEST", 120}, {"MET", 60}, {"MEST", 120}, {"EET", 120},
	{"EEST", 180}, {"MSK", 180}, {"JST", 540},
}

// zone is the length of the zone that b begins with, or 0: Z, +02, +0200, +02:00 or one of zoneNames.
func zone(b []byte, t *Time) int {
	if len(b) == 0 {
		return 0
	}
	switch c := b[0]; {
	case c == '+' || c == '-':
		return offset(b, t)
	case c|0x20 == 'z' && (len(b) == 1 || !isWordByte(b[1])):
		t.offset, t.hasOffset = 0, true
		return 1
	}
	n := 0
	for n < len(b) && n < 5 && b[n]-'A' < 26 {
		n++
	}
	if n < len(b) && isWordByte(b[n]) {
		return 0
	}
	for _, z := range zoneNames {
		if string(b[:n]) == z.name {
			t.offset, t.hasOffset = z.minutes*60, true
			return n
		}
	}
	return 0
}

// offset reads +02, +0200 or +02:00.
func offset(b []byte, t *Time) int {
	n := digits(b[1:])
	var hours, minutes int
	ok := true
	switch {
	case n == 2:
		hours, _ = token.Digits(b[1:3])
		n = 3
		if len(b) >= 6 && b[3] == ':' && digits(b[4:]) == 2 {
			minutes, _ = token.Digits(b[4:6])
			n = 6
		}
	case n == 4:
		hours, _ = token.Digits(b[1:3])
		minutes, ok = token.Digits(b[3:5])
		n = 5
	default:
		return 0
	}
	if !ok || hours > 23 || minutes > 59 {
		return 0
	}
	t.offset, t.hasOffset = (hours*60+minutes)*60, true
	if b[0] == '-' {
		t.offset = -t.offset
	}
	return n
}
