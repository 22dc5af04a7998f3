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
// left out of the others, which lose underscores in front; a name that has come before gets a number then.
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
	var names map[string]int // see numbered; nil: no two members would have one name
	if bytes.Contains(object, []byte(`"_`)) {
		names = map[string]int{}
	}
	err = ejson.Members(object, func(key, value []byte) error {
		key = bytes.TrimLeft(key, "_")
		if p.has(key) {
			return nil
		}
		if names != nil {
			key = p.numbered(names, key)
		}
		if dst[len(dst)-1] != '{' {
			dst = append(dst, ',')
		}
		dst = append(token.AppendJSON(dst, key), ':')
		dst = append(dst, value...)
		return nil
	})
	return appendMembers(dst, p.fields), err == nil
}

// has tells whether the doc has a member of that name already, as one that was picked or a constant, or has picked it under another
// name.
func (p *Parser) has(key []byte) bool {
	for i := range p.head {
		if p.head[i].name == string(key) {
			return true
		}
	}
	is := func(name string) bool { return name == string(key) }
	return slices.ContainsFunc(p.taken, is) || slices.ContainsFunc(p.constant, is)
}

// numbered is a member's name: its key or, where another member has that, the key with a number behind. names has the names that members
// have, each with the last number that was put behind it.
func (p *Parser) numbered(names map[string]int, key []byte) []byte {
	name := key
	n := names[string(key)] + 1
	for ; n > 1; n++ {
		name = fmt.Appendf(nil, "%s_%d", key, n)
		if names[string(name)] == 0 && !p.has(name) {
			break
		}
	}
	names[string(key)] = n
	names[string(name)] = max(names[string(name)], 1)
	return name
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
