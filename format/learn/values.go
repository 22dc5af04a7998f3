package learn

import (
	"bytes"

	"logctl/format/token"
)

// constantPrefix is how many bytes of a word with digits are the same in all of its kind: the letters before the first
// digit, as in eth0 and blk_38865049064139660, unless the word is a host's name, hexadecimal or random.
func constantPrefix(word []byte, hexOnly bool) int {
	if hexOnly && len(word) >= 6 || isHostPort(word) {
		return 0
	}
	if i := bytes.IndexByte(word, ':'); i > 0 && !bytes.ContainsAny(word[:i], "0123456789") { // Seq:123
		return i + 1
	}
	prefix := 0
	for !isDigit(word[prefix]) {
		prefix++
	}
	if prefix == 0 {
		return 0
	}
	dots := bytes.Count(word, []byte("."))
	if dots >= 2 && isLetter(word[len(word)-1]) && bytes.IndexByte(word[prefix:], '.') >= 0 { // a host
		return 0
	}
	if isRandom(word, dots) {
		return 0
	}
	if p := bytes.IndexByte(word[:prefix], '/'); p > 0 { // msra-sa/10.0.0.1
		return 0
	}
	if p := prefix - 1; p > 0 && (word[p] == '-' || word[p] == '+') && !isLetter(word[p-1]) { // the sign of blk_-1608999687919862906
		prefix--
	}
	return prefix
}

// isRandom tells whether letters and digits change places in a word so often that it is an identifier that nobody chose.
func isRandom(word []byte, dots int) bool {
	changes, letters := 0, 0
	kind := func(c byte) uint8 {
		if c == '_' {
			return isJoin
		}
		return class[c]
	}
	for k := 1; k < len(word); k++ {
		this, last := kind(word[k]), kind(word[k-1])
		if this == isAlpha {
			letters++
		}
		if this != last && this != isJoin && last != isJoin {
			changes++
		}
	}
	return changes >= 4 && len(word) >= 6 || changes == 3 && len(word) >= 12 && letters >= 4 && dots == 0
}

// isValueWord tells whether a word without digits is a value all the same.
func isValueWord(word []byte, hexOnly bool) bool {
	if hexOnly && len(word) >= 8 {
		return true
	}
	if isBool(word) {
		return true
	}
	at, dots, slashes := 0, 0, 0
	for _, c := range word {
		switch c {
		case '@':
			at++
		case '.':
			dots++
		case '/':
			slashes++
		}
	}
	if at == 1 && dots > 0 || slashes > 1 {
		return true
	}
	return dots > 0 && slashes == 0 && isHostName(word, dots)
}

// isHostPort tells whether a word with digits is a host's name, perhaps with a port.
func isHostPort(word []byte) bool {
	port := false
	if i := bytes.LastIndexByte(word, ':'); i > 0 && digitsAt(word, i+1) == len(word)-i-1 {
		word, port = word[:i], true
	}
	dots := bytes.Count(word, []byte("."))
	if dots == 0 || bytes.IndexByte(word, '/') >= 0 {
		return false
	}
	if port && dots == 1 && !isSourceFile(word) {
		dots++
	}
	return isHostName(word, dots)
}

// isSourceFile tells whether a name ends as a program's source does, which may have a line's number behind it as a host
// has a port.
func isSourceFile(name []byte) bool {
	switch string(name[bytes.LastIndexByte(name, '.')+1:]) {
	case "cc", "cs", "go", "hs", "js", "pl", "py", "rb", "rs", "sh", "so", "ts":
		return true
	}
	return false
}

// isHostName tells whether a word with dots ends as names of hosts do.
func isHostName(word []byte, dots int) bool {
	last := word[bytes.LastIndexByte(word, '.')+1:]
	switch string(last) {
	case "com", "net", "org", "edu", "gov", "mil", "int", "info", "biz", "arpa", "local", "localdomain", "lan", "internal":
		return true
	}
	if len(last) != 2 || dots < 2 {
		return false
	}
	for _, c := range word {
		if c-'A' < 26 {
			return false
		}
	}
	return true
}

// pathLen is the length of the file name with directories that stands at i, or 0.
func pathLen(msg []byte, i int) int {
	c := msg[i]
	n := i
	switch {
	case c == '/' || c == '~' && i+1 < len(msg) && msg[i+1] == '/':
		if i > 0 && (isWordByte(msg[i-1]) || class[msg[i-1]] == isJoin) {
			return 0
		}
		if i+1 >= len(msg) || !isWordByte(msg[i+1]) && class[msg[i+1]] != isJoin {
			return 0
		}
	case c == '\\':
		if i+2 >= len(msg) || msg[i+1] != '\\' && !(isLetter(msg[i+1]) && bytes.IndexByte(msg[i+2:token.RunEnd(msg, i)], '\\') >= 0) {
			return 0
		}
	case isLetter(c) && i+2 < len(msg) && msg[i+1] == ':' && msg[i+2] == '\\':
		n += 2
	default:
		return 0
	}
	for n < len(msg) && class[msg[n]] != isBlankByte && !endsPath(msg[n]) {
		if msg[n] == ':' && (n+1 == len(msg) || !isDigit(msg[n+1])) {
			break
		}
		n++
	}
	for n > i+1 && (msg[n-1] == '.' || msg[n-1] == ':') {
		n--
	}
	return n - i
}

func endsURL(c byte) bool {
	return c == '"' || c == '\'' || c == '<' || c == '>' || c == ')' || c == ']' || c == '}' || c == ',' || c == ';'
}

func endsPath(c byte) bool {
	return endsURL(c) || c == '(' || c == '[' || c == '{' || c == '|'
}

// units are those of sizes first, then those of time.
var units = [...]string{
	"B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB",
	"s", "ms", "us", "ns", "sec", "secs", "second", "seconds", "msec", "msecs", "min", "mins", "minute", "minutes",
	"hour", "hours", "day", "days", "millisecond", "milliseconds", "MILLISECONDS",
}

const sizeUnits = 10

// unit is the length of a blank and a unit of size or time behind a number, or 0.
func unit(b []byte) int {
	if len(b) < 2 || b[0] != ' ' || !isLetter(b[1]) {
		return 0
	}
	n := 1
	for n < len(b) && isLetter(b[n]) {
		n++
	}
	if n < len(b) && isWordByte(b[n]) {
		return 0
	}
	for _, u := range units {
		if string(b[1:n]) == u {
			return n
		}
	}
	return 0
}

// isSize tells whether what unit found is one of size.
func isSize(b []byte) bool {
	for _, u := range units[:sizeUnits] {
		if string(b[1:]) == u {
			return true
		}
	}
	return false
}
