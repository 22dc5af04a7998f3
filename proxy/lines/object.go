package lines

import (
	"bytes"

	"logctl/store"
	"logctl/store/ejson"
)

// Members that docs of inputs have, besides those that are made of their text.
const (
	memberTime     = "time"
	memberHost     = "host"
	memberMachine  = "machine"
	memberMessage  = "message"
	memberPeer     = "connection_hostname"
	memberReceived = "received"
	memberCut      = "cut"
)

// appendMember appends a member to an object that has no end yet.
func appendMember(dst []byte, name string) []byte {
	if dst[len(dst)-1] != '{' {
		dst = append(dst, ',')
	}
	return append(store.AppendJSONString(dst, name), ':')
}

// appendText is appendMember with text for its value; none is no member.
func appendText[T string | []byte](dst []byte, name string, text T) []byte {
	if len(text) == 0 {
		return dst
	}
	return store.AppendJSONString(appendMember(dst, name), text)
}

// reopen takes the end off an object, so that members can follow.
func reopen(object []byte) []byte { return object[:len(object)-1] }

// names is what is asked about the members of an object.
type names struct {
	time, host, machine, cut bool
	ours                     bool // one that only inputs give
	special                  bool // a name begins with an underscore
}

// look finds out about the members of an object in stored form.
func look(object []byte) (n names) {
	_ = ejson.Members(object, func(key, _ []byte) error { // a Formatter's object is one
		switch string(key) {
		case memberTime, "date":
			n.time = true
		case memberHost:
			n.host = true
		case memberMachine:
			n.machine = true
		case memberCut:
			n.cut = true
		case memberPeer, memberReceived:
			n.ours = true
		}
		n.special = n.special || len(key) > 0 && key[0] == '_'
		return nil
	})
	return n
}

// appendWithout appends the members of an object that leave does not name to dst, an object without its end.
func appendWithout(dst, object []byte, leave func(key []byte) bool) []byte {
	_ = ejson.Members(object, func(key, value []byte) error { // a Formatter's object is one
		if leave(key) {
			return nil
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(store.AppendJSONString(dst, key), ':')
		dst = append(dst, value...)
		return nil
	})
	return dst
}

// holds is hasMember of an object that has no end yet.
func holds(open []byte, name string) bool {
	return hasMember(append(open, '}'), name) // the brace stands behind the end of open, where nothing is
}

// namesIn are the names of the members of an object that has no end yet.
func namesIn(open []byte) map[string]bool {
	names := map[string]bool{}
	_ = ejson.Members(append(open, '}'), func(key, _ []byte) error { // the brace as in holds
		names[string(key)] = true
		return nil
	})
	return names
}

// hasMember tells whether an object in stored form has a member of that name.
func hasMember(object []byte, name string) bool {
	var buf [80]byte
	text := append(store.AppendJSONString(buf[:0], name), ':')
	// In a string the quotation marks would be escaped; deeper in the object it may be found, so this is but a first look.
	if !bytes.Contains(object, text) {
		return false
	}
	found := false
	_ = ejson.Members(object, func(key, _ []byte) error {
		found = found || string(key) == name
		return nil
	})
	return found
}
