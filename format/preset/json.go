package preset

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"logctl/format/timefmt"
	"logctl/format/token"
	"logctl/store/ejson"
)

// pick is a member of a doc that is made of one of several members of a JSON object, which paths name.
type pick struct {
	name  string
	paths [][]string
}

// picks are the members in the order in which docs have them: time and ip first.
func picks(members map[string]list) []pick {
	var all []pick
	names := slices.SortedFunc(maps.Keys(members), func(a, b string) int { return strings.Compare(pickRank(a)+a, pickRank(b)+b) })
	for _, name := range names {
		p := pick{name: name}
		for _, path := range members[name] {
			p.paths = append(p.paths, strings.Split(path, "."))
		}
		all = append(all, p)
	}
	return all
}

func pickRank(name string) string {
	switch name {
	case "time":
		return "0"
	case "ip":
		return "1"
	}
	return "2"
}

// guess knows the times that can be told apart.
var guess = timefmt.Guess()

// readJSON appends the members of an object: those that are picked, then the others. A member that is picked as a whole is
// left out of the others.
func (p *Parser) readJSON(dst, line []byte) ([]byte, bool) {
	object, err := p.object(line)
	if err != nil || !p.holds(object) {
		return dst, false
	}
	dst = append(dst, '{')
	p.head, p.taken = p.head[:0], p.taken[:0]
	for i := range p.picks {
		dst = p.pick(dst, object, &p.picks[i])
	}
	picked := len(p.head)
	err = ejson.Members(object, func(key, value []byte) error {
		key = bytes.TrimLeft(key, "_")
		if p.isPicked(key, picked) || slices.ContainsFunc(p.constant, func(name string) bool { return name == string(key) }) {
			return nil
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(token.AppendJSON(dst, key), ':')
		dst = append(dst, value...)
		return nil
	})
	if fields := p.fields; len(fields) > 0 {
		if dst[len(dst)-1] == '{' {
			fields = fields[1:]
		}
		dst = append(dst, fields...)
	}
	return dst, err == nil
}

// isPicked tells whether the doc has the member of that name already, or has picked it under another name.
func (p *Parser) isPicked(key []byte, picked int) bool {
	for i := range picked {
		if p.head[i].name == string(key) {
			return true
		}
	}
	return slices.ContainsFunc(p.taken, func(name string) bool { return name == string(key) })
}

// pick appends a member, if one of its paths leads to something.
func (p *Parser) pick(dst, object []byte, k *pick) []byte {
	for _, path := range k.paths {
		value := lookUp(object, path)
		if len(value) == 0 || string(value) == "null" {
			continue
		}
		switch k.name {
		case "time":
			text := value
			if isString(value) {
				text = value[1 : len(value)-1]
			}
			t, ok := guess.Parse(text)
			if !ok {
				return dst
			}
			var buf [64]byte
			dst = p.string(dst, k.name, t.AppendRFC3339(buf[:0], p.zone, p.reference))
		case "ip":
			dst = p.string(dst, k.name, withoutPort(value))
		default:
			dst = p.raw(dst, k.name, value)
		}
		if len(path) == 1 {
			p.taken = append(p.taken, path[0])
		}
		return dst
	}
	return dst
}

// lookUp is the value at the end of a path, or nil.
func lookUp(object []byte, path []string) []byte {
	for _, name := range path {
		var next []byte
		if len(object) == 0 || object[0] != '{' {
			return nil
		}
		if err := ejson.Members(object, func(key, value []byte) error {
			if string(key) == name {
				next = value
			}
			return nil
		}); err != nil {
			return nil
		}
		object = next
	}
	return object
}

// withoutPort is the address in a JSON string of an address, with a port or without, or nil.
func withoutPort(value []byte) []byte {
	if !isString(value) {
		return nil
	}
	b := value[1 : len(value)-1]
	if token.IsIP(b) {
		return b
	}
	i := bytes.LastIndexByte(b, ':')
	if i < 0 {
		return nil
	}
	b = bytes.TrimSuffix(bytes.TrimPrefix(b[:i], []byte("[")), []byte("]"))
	if !token.IsIP(b) {
		return nil
	}
	return b
}

// holds tells whether an object has the members that the conditions are about.
func (p *program) holds(object []byte) bool {
	for i := range p.cond {
		value := lookUp(object, strings.Split(p.cond[i].member, "."))
		if value == nil {
			return false
		}
		if isString(value) {
			value = value[1 : len(value)-1]
		}
		if !p.cond[i].fits(value) {
			return false
		}
	}
	return true
}

// reasonJSON says why a line is rejected that should be JSON.
func (p *Parser) reasonJSON(line []byte) string {
	object, err := p.object(line)
	if err != nil {
		return fmt.Sprintf("it is no JSON object: %s", err)
	}
	for i := range p.cond {
		if !(&program{cond: p.cond[i : i+1]}).holds(object) {
			return fmt.Sprintf("its member %s is missing or another", p.cond[i].member)
		}
	}
	return "it is a JSON object, but not of " + p.def.Name
}
