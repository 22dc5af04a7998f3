package learn

import (
	"strconv"
	"strings"
)

// namer gives the captures of one schema names that tell what they are, each once.
type namer struct {
	used map[string]bool
}

func (n *namer) unique(name string) string {
	if n.used == nil {
		n.used = map[string]bool{}
	}
	base := name
	for k := 2; n.used[name]; k++ {
		name = base + "_" + strconv.Itoa(k)
	}
	n.used[name] = true
	return name
}

// surroundings are what stands around a slot of a form.
type surroundings struct {
	before string // of the line, up to the slot; slots are "\x00"
	after  string
	guess  guess
	role   role

	hosts bool   // the header has a column of hosts
	last  string // the name of the slot before
}

// fillers are words that tell nothing about what follows them.
var fillers = wordSet(`a an and are as at be by for has in into is it its no not of on or the than that this to took was
	were via with after before from already found failed error s id number until through using`)

func wordSet(text string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		set[w] = true
	}
	return set
}

// nameOf is the name of a slot, before it is made unique.
func nameOf(c surroundings) string {
	switch c.role {
	case stampRole:
		return "time"
	case levelRole:
		return "level"
	case pidRole, componentRole:
		switch {
		case c.last == "request":
			return "status"
		case c.last == "status":
			return "bytes"
		case c.role == pidRole:
			return "pid"
		}
		return "component"
	case hostRole:
		return "host"
	case programRole:
		if !c.hosts {
			return "component"
		}
		return "application"
	case boxRole:
		return "thread"
	case quotedRole:
		return quotedName(c.guess.value, c.last)
	case sourceRole:
		switch {
		case c.guess.kind == "ip":
			return "ip"
		case c.last == "ip":
			return "ident"
		case c.last == "ident":
			return "user"
		}
		return "source"
	case unitRole:
		return "unit"
	case jsonRole:
		return "json"
	case pairsRole:
		return "kv"
	}
	if name := keyBefore(c.before, c.guess.kind == "ip"); name != "" {
		return name
	}
	if isUserNext(c.before, c.after) {
		return "user"
	}
	if name := partOfWord(c.before); name != "" && c.guess.kind != "ip" {
		return strings.ToLower(name)
	}
	word := wordBefore(c.before)
	if p := prefixOfWord(c.before); len(p) == 1 { // v6.1
		word = wordBefore(c.before[:len(c.before)-1])
	}
	switch {
	case c.guess.kind == "ip":
		return "ip"
	case c.guess.kind == "" && isPath(c.guess.value):
		return "path"
	case strings.Contains(c.guess.value, "://"):
		return "url"
	case isEmail(c.guess.value):
		return "email"
	case word != "" && !fillers[strings.ToLower(word)]:
		return strings.ToLower(clean(word))
	case c.guess.port || c.guess.kind == "host":
		return "host"
	case c.guess.after != "" && isNameText(c.guess.after):
		return strings.ToLower(c.guess.after)
	}
	if name := wordAfter(c.after); name != "" && !fillers[name] && (c.guess.kind == "int" || c.guess.kind == "float") {
		return name
	}
	switch c.guess.kind {
	case "int", "float":
		return "n"
	case "time":
		return "clock"
	case "bool":
		return "flag"
	case "":
		if c.role == listRole {
			return "list"
		}
		return "word"
	}
	return c.guess.kind
}

// quotedName is the name of a quoted column as web servers have them.
func quotedName(value, last string) string {
	switch {
	case strings.Contains(value, " HTTP/"):
		return "request"
	case last == "referer" || strings.Contains(value, "Mozilla/"):
		return "agent"
	case last == "bytes":
		return "referer"
	}
	return "text"
}

func isPath(s string) bool {
	return len(s) > 1 && (s[0] == '/' && s[1] != '/' || s[0] == '~' || len(s) > 2 && s[1] == ':' && s[2] == '\\')
}

func isEmail(s string) bool {
	user, domain, ok := strings.Cut(s, "@")
	return ok && user != "" && isLetter(user[0]) && isLetter(s[len(s)-1]) &&
		strings.Contains(domain, ".") && !strings.ContainsAny(domain, ":/@")
}

// owners are words before an address that tell whose it is.
var owners = wordSet(`src dst dest source destination client server remote local peer host old new gateway`)

// keyBefore is the key of key=value, key: value and key = value. Before an address a colon may as well end a sentence.
func keyBefore(before string, ip bool) string {
	s := strings.TrimRight(before, ` "'<[({/#*-`)
	if s == "" || s[len(s)-1] != '=' && s[len(s)-1] != ':' {
		return ""
	}
	colon := s[len(s)-1] == ':'
	s = strings.TrimRight(s[:len(s)-1], " :")
	word := lastWord(s)
	if ip && colon && !owners[strings.ToLower(word)] || colon && fillers[strings.ToLower(word)] {
		return ""
	}
	return clean(word)
}

// isUserNext tells whether what surrounds a slot makes it the name of a user who logs in.
func isUserNext(before, after string) bool {
	if strings.HasSuffix(before, " user ") || strings.HasSuffix(before, "user=") {
		return true
	}
	if !strings.HasSuffix(before, " for ") || !strings.HasPrefix(after, " from ") {
		return false
	}
	for _, word := range [...]string{"password", "publickey", "keyboard", "login", "Login", "auth"} {
		if strings.Contains(before, word) {
			return true
		}
	}
	return false
}

// partOfWord is the beginning of the word that the slot ends: blk of blk_38865049064139660.
func partOfWord(before string) string {
	word := lastWord(before)
	if word == "" || before[len(before)-1] == ' ' {
		return ""
	}
	if name := clean(strings.TrimRight(word, "_-.@/~")); len(name) > 1 {
		return name
	}
	return ""
}

// wordBefore is the word before the blank before the slot.
func wordBefore(before string) string {
	s := strings.TrimRight(before, ` "'<[({/#*$`)
	if len(s) == len(before) {
		return ""
	}
	word := lastWord(s)
	if !isNameText(word) {
		return ""
	}
	return word
}

func wordAfter(after string) string {
	s := strings.TrimLeft(after, ` "'>])}`)
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	if n < 2 || n < len(s) && s[n] == wild {
		return ""
	}
	return strings.ToLower(s[:n])
}

// lastWord is the word that s ends with: letters, digits and what joins them.
func lastWord(s string) string {
	i := len(s)
	for i > 0 && (isWordByte(s[i-1]) && s[i-1] < 0x80 || s[i-1] == '-' || s[i-1] == '.' || s[i-1] == '@') {
		i--
	}
	return s[i:]
}

func isNameText(s string) bool {
	if len(s) < 2 {
		return false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && s[i] != '_' {
			return false
		}
	}
	return true
}

const maxName = 32

// clean makes a name of letters, digits and underscores of a word; "" if there is none in it.
func clean(word string) string {
	var b strings.Builder
	for i := 0; i < len(word) && b.Len() < maxName; i++ {
		switch c := word[i]; {
		case isLetter(c), isDigit(c) && b.Len() > 0:
			b.WriteByte(c)
		case b.Len() > 0 && c < 0x80:
			b.WriteByte('_')
		}
	}
	name := strings.TrimRight(b.String(), "_")
	if name == strings.ToUpper(name) {
		name = strings.ToLower(name)
	}
	return name
}
