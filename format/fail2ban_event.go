package format

import (
	"bytes"

	"logctl/format/token"
)

// event is what a line of fail2ban's tells.
type event uint8

// The events. A failure is found; with enough of them an address is banned, and unbanned when its time is over.
const (
	eventOther    event = iota
	eventBan            // banned
	eventUnban          // unbanned
	eventFound          // a failure of the address was seen
	eventRestore        // banned again at start, from the database
	eventReban          // the firewall's rules are made again
	eventRepeal         // unbanned because fail2ban stops
	eventAlready        // to be banned, but banned already
	eventIgnore         // seen, but on the list of those never banned
	eventIncrease       // the ban of a known offender is made longer
	eventBad            // the observer knows the address from before
	eventFlush          // all bans of a jail are taken away at once
	eventStart          // a jail, or fail2ban, starts
	eventStop           // it stops
	eventReload         // it is loaded anew
	numEvents
)

// eventNames is the closed list of the words for events.
var eventNames = [numEvents]string{"other", "ban", "unban", "found", "restore", "reban", "repeal", "already", "ignore",
	"increase", "bad", "flush", "start", "stop", "reload"}

func eventNamed(name string) (event, bool) {
	for e, n := range eventNames {
		if n == name {
			return event(e), true
		}
	}
	return 0, false
}

// told tells whether process, ip and event say all that the message says.
func (l *banLine) told() bool {
	switch l.event {
	case eventBan, eventUnban, eventRestore, eventReban, eventRepeal, eventAlready:
		return len(l.ip) > 0
	case eventFound: // the observer adds a count
		return len(l.ip) > 0 && !bytes.Contains(l.message, []byte(", bad"))
	case eventStart, eventStop, eventReload:
		return len(l.process) > 0
	}
	return false
}

// parseMessage reads what follows the level: the jail, in brackets or by the word jail, the event, the address.
func (l *banLine) parseMessage(b []byte) {
	if jail, rest, ok := cutJail(b); ok {
		l.process, l.message = jail, rest
		l.event, l.ip = jailEvent(rest)
		return
	}
	l.message = b
	l.process = namedJail(b)
	l.event = serverEvent(b)
}

// cutJail takes "[sshd] " off the front. A jail's name may hold anything; errors of the system look like one.
func cutJail(b []byte) (jail, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != '[' || bytes.HasPrefix(b, []byte("[Errno ")) {
		return nil, nil, false
	}
	end := bytes.Index(b, []byte("] "))
	if end < 0 && b[len(b)-1] == ']' {
		end = len(b) - 1
	}
	if end < 2 {
		return nil, nil, false
	}
	return b[1:end], b[token.SkipBlanks(b, end+1):], true
}

// jailEvent is what a jail tells, and the address that it tells of.
func jailEvent(b []byte) (event, []byte) {
	word, rest := cutWord(b)
	second, behind := cutWord(rest)
	switch string(word) {
	case "Ban":
		return addressed(eventBan, second)
	case "Unban":
		return addressed(eventUnban, second)
	case "Found":
		return addressed(eventFound, second)
	case "Ignore":
		return addressed(eventIgnore, second)
	case "Reban":
		return addressed(eventReban, second)
	case "Restore", "Increase", "Repeal":
		if string(second) != "Ban" {
			return eventOther, nil
		}
		address, _ := cutWord(behind)
		switch word[0] {
		case 'R':
			if word[2] == 's' {
				return addressed(eventRestore, address)
			}
			return addressed(eventRepeal, address)
		}
		return addressed(eventIncrease, address)
	case "IP":
		if bytes.HasPrefix(behind, []byte("is bad")) {
			return addressed(eventBad, second)
		}
	case "Flush":
		return eventFlush, nil
	}
	if string(second) == "already" && bytes.HasPrefix(behind, []byte("banned")) {
		return addressed(eventAlready, word)
	}
	return eventOther, nil
}

// addressed is the event with the address or network that a word is. Jails may ban other things, such as user names;
// without any word it is no such event.
func addressed(e event, word []byte) (event, []byte) {
	word = bytes.TrimSuffix(word, []byte(","))
	switch {
	case len(word) == 0:
		return eventOther, nil
	case token.IsIP(word), token.IsNetwork(word):
		return e, word
	}
	return e, nil
}

// serverMessages are the beginnings of what fail2ban tells about itself.
var serverMessages = []struct {
	prefix string
	event  event
}{
	{"Start Fail2ban", eventStart},
	{"Starting Fail2ban", eventStart},
	{"Starting in daemon mode", eventStart},
	{"Daemon started", eventStart},
	{"Server ready", eventStart},
	{"Shutdown in progress", eventStop},
	{"Stopping all jails", eventStop},
	{"Exiting Fail2ban", eventStop},
	{"Reload ", eventReload},
	{"Restart jail ", eventReload},
}

// serverEvent is what a message without a jail in brackets tells.
func serverEvent(b []byte) event {
	if bytes.HasPrefix(b, []byte("Jail ")) {
		switch {
		case bytes.HasSuffix(b, []byte(" started")):
			return eventStart
		case bytes.HasSuffix(b, []byte(" stopped")):
			return eventStop
		case bytes.HasSuffix(b, []byte(" reloaded")):
			return eventReload
		}
		return eventOther
	}
	for i := range serverMessages {
		if m := &serverMessages[i]; len(b) >= len(m.prefix) && string(b[:len(m.prefix)]) == m.prefix {
			return m.event
		}
	}
	return eventOther
}

// namedJail is the jail that a message names: jail 'sshd' anywhere, or Jail sshd at its beginning.
func namedJail(b []byte) []byte {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte("ail '"))
		if i < 0 {
			break
		}
		at += i + len("ail '")
		if before := at - len("Jail '"); before >= 0 && b[before]|0x20 == 'j' {
			if end := bytes.IndexByte(b[at:], '\''); end > 0 {
				return b[at : at+end]
			}
		}
	}
	for _, prefix := range []string{"Jail ", "Reload jail "} {
		if len(b) > len(prefix) && string(b[:len(prefix)]) == prefix {
			name, _ := cutWord(b[len(prefix):])
			return bytes.Trim(name, `"`)
		}
	}
	return nil
}

// cutWord splits a run of non-blanks off b, and the blanks behind it.
func cutWord(b []byte) (word, rest []byte) {
	end := token.RunEnd(b, 0)
	return b[:end], b[token.SkipBlanks(b, end):]
}
