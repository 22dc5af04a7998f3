package syslog

import "logctl/format/token"

// Severities are RFC 5424's, from the worst on, by the names that syslog.conf uses.
var Severities = [8]string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// Facilities are RFC 5424's by the same names.
var Facilities = [24]string{"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
	"ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"}

// numberOrName is the index that b says, as a number or by name, or -1.
func numberOrName(b []byte, names []string) int {
	if n, ok := token.Digits(b); ok {
		if n < len(names) {
			return n
		}
		return -1
	}
	for i, name := range names {
		if string(b) == name {
			return i
		}
	}
	switch string(b) { // older names
	case "panic":
		return 0
	case "error":
		return 3
	case "warn":
		return 4
	case "security":
		return 4
	}
	return -1
}
