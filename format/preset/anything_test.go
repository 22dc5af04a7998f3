package preset

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// What lines are put together of.
var (
	someKeys = []string{"time", "_time", "ts", "_ts", "ip", "_ip", "__ip", "ip_2", "event", "_event", "message", "_message", "outcome", "user", "host",
		"application", "level", "data", "status", "", "_", "a\"b", "IP", "x", "UID", "MESSAGE", "__REALTIME_TIMESTAMP", "_HOSTNAME",
		"SYSLOG_IDENTIFIER", "_PID", "SYSLOG_PID", "PRIORITY", "SYSLOG_FACILITY", "_COMM", "_SYSTEMD_UNIT", "stream", "log", "attrs", "logger", "msg",
		"request", "client_ip", "s", "c", "ctx", "t", "$date", "attr", "remote", "principalName"}
	someTexts = []string{"", "x", "null", "6", "99999999999999999999", "1795225365123456", "2026-11-21T01:42:45Z", "192.0.2.7", "::ffff:192.0.2.7", "[::1]:22",
		"\x00\"\\\u2028", "sshd", "kernel", "stdout", "handled request", "Failed password for root from 192.0.2.7 port 22 ssh2",
		"message repeated 3 times: [ Failed password for root from ::ffff:192.0.2.7 port 22 ssh2]", "2026-11-21 01:42:45,1 fail2ban.actions [1]: NOTICE [sshd] Ban 192.0.2.7"}
	someWords = []string{"<13>", "<189>", "1 ", "29: ", "*", "Nov 21 01:42:45", "Feb 29 2025 01:42:45", "2026-11-21T01:42:45Z", "UTC", " ", " ", " ", "host", "sshd[1]",
		":", "[sshd]", "su(pam_unix)[5]:", "[ID 800047 auth.info]", " - - - ", "[a _b=\"\\\"\" b=\"2\"]", "Failed password for ", "root", " from ", "192.0.2.7",
		"::ffff:192.0.2.7", " port 22", "a=1", "_a=2", "ip=192.0.2.7", "event", "time=x", "\xff", "\x00", "\"", "{", "}", ",", "1e400",
		"IN=eth0 OUT= SRC=192.0.2.7 DST=192.0.2.8 LEN=40", "type=A msg=audit(1.2:3): ", "GET / HTTP/1.1", strings.Repeat("9", 320)}
)

// someValue is a value of JSON that nests a little.
func someValue(r *rand.Rand, depth int) any {
	pick := r.IntN(12)
	if depth > 3 {
		pick = min(pick, 8)
	}
	switch pick {
	case 7:
		return nil
	case 8:
		return r.IntN(300)
	case 9:
		return []any{someValue(r, depth+1), someValue(r, depth+1)}
	case 10:
		return []any{r.IntN(256), r.IntN(300)}
	case 11:
		return someObject(r, depth+1)
	}
	return someTexts[r.IntN(len(someTexts))]
}

func someObject(r *rand.Rand, depth int) map[string]any {
	object := map[string]any{}
	for range r.IntN(8) {
		object[someKeys[r.IntN(len(someKeys))]] = someValue(r, depth)
	}
	return object
}

// someLine is an object, words, or one of lines with words in it.
func someLine(t *testing.T, r *rand.Rand, lines []ownLine) (line string) {
	t.Helper()
	switch r.IntN(4) {
	case 0:
		for range 1 + r.IntN(14) {
			line += someWords[r.IntN(len(someWords))]
		}
	case 1:
		line = lines[r.IntN(len(lines))].line
		for range 1 + r.IntN(3) {
			at := r.IntN(len(line) + 1)
			line = line[:at] + someWords[r.IntN(len(someWords))] + line[min(len(line), at+r.IntN(6)):]
		}
	default:
		text, err := json.Marshal(someObject(r, 0))
		if err != nil {
			t.Fatal(err)
		}
		line = string(text)
	}
	return line
}

// TestAnything checks what must hold for every line with lines of the members and words that presets know, in places where they do not
// expect them.
func TestAnything(t *testing.T) {
	t.Parallel()
	s, lines, r := load(t), ownLines(t), rand.New(rand.NewPCG(1, 1))
	var parsers []*Parser
	for _, name := range s.Names() {
		for _, fields := range []string{"", "event=e,ip=192.0.2.9,a=b,message=m,time=t,a_2=x,host=h"} {
			parsers = append(parsers, parser(t, s, name, Options{Events: "all", Fields: fields}))
		}
	}
	for range 3000 {
		line := someLine(t, r, lines)
		for range 10 {
			checkLine(t, parsers[r.IntN(len(parsers))], line)
		}
	}
}
