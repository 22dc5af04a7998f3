package preset

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// pattern fits the text that it is or, with a star in it, any text in the star's place.
type pattern struct {
	before, after string
	star          bool
}

func newPattern(text string) pattern {
	before, after, star := strings.Cut(text, "*")
	return pattern{before, after, star}
}

func (p pattern) fits(b []byte) bool {
	if !p.star {
		return string(b) == p.before
	}
	return len(b) >= len(p.before)+len(p.after) && string(b[:len(p.before)]) == p.before && string(b[len(b)-len(p.after):]) == p.after
}

// condition is that a member has one of some texts.
type condition struct {
	member string
	any    []pattern
}

func conditions(byMember map[string]list) []condition {
	var all []condition
	for _, member := range slices.Sorted(maps.Keys(byMember)) {
		c := condition{member: member}
		for _, text := range byMember[member] {
			c.any = append(c.any, newPattern(text))
		}
		all = append(all, c)
	}
	return all
}

func (c *condition) fits(b []byte) bool {
	return slices.ContainsFunc(c.any, func(p pattern) bool { return p.fits(b) })
}

// deriver makes a member of the text of another.
type deriver struct {
	name, of     string
	member, from []byte // as they begin: ,"outcome": and "status":
	values       []derived
}

type derived struct {
	pattern
	value []byte // as JSON
}

func derivers(all []derivation) []deriver {
	var ds []deriver
	for _, v := range all {
		d := deriver{
			name: v.Member, of: v.From,
			member: append(quoted([]byte{','}, v.Member), ':'),
			from:   append(quoted(nil, v.From), ':'),
		}
		// The most special pattern first: without a star, then the longest.
		texts := slices.SortedFunc(maps.Keys(v.Values), func(a, b string) int {
			if x, y := strings.Contains(a, "*"), strings.Contains(b, "*"); x != y {
				if x {
					return 1
				}
				return -1
			}
			if len(a) != len(b) {
				return len(b) - len(a)
			}
			return strings.Compare(a, b)
		})
		for _, text := range texts {
			d.values = append(d.values, derived{newPattern(text), quoted(nil, v.Values[text])})
		}
		ds = append(ds, d)
	}
	return ds
}

// append appends the member to the members of an object in dst[start:], if there is what it follows from and it is not there.
func (d *deriver) append(dst []byte, start int) []byte {
	text, ok := memberText(dst[start:], d.from)
	if !ok {
		return dst
	}
	return d.appendOf(dst, start, text)
}

// appendOf appends the member that follows from a text, if one does and it is not there. In the place of null it is put.
func (d *deriver) appendOf(dst []byte, start int, text []byte) []byte {
	i := slices.IndexFunc(d.values, func(v derived) bool { return v.fits(text) })
	if i < 0 {
		return dst
	}
	value := d.values[i].value
	at := memberAt(dst[start:], d.member[1:])
	if at < 0 {
		return append(append(dst, d.member...), value...)
	}
	if at += start; bytes.HasPrefix(dst[at:], null) {
		return slices.Replace(dst, at, at+len(null), value...)
	}
	return dst
}

var null = []byte("null")

// memberText is the text of the string, or the number, that is a member of an object in stored form, whose end may be missing. The
// key has its quotes and its colon.
func memberText(object, key []byte) (text []byte, ok bool) {
	at := memberAt(object, key)
	if at < 0 {
		return nil, false
	}
	value := object[at:]
	if len(value) > 0 && value[0] == '"' {
		return value[1:stringEnd(value)], true
	}
	end := 0
	for end < len(value) && value[end] != ',' && value[end] != '}' {
		end++
	}
	return value[:end], true
}

// memberAt is where the value of a member of an object begins, or -1: see memberText. As quotes inside of strings are escaped, what
// looks like the key is one, be it of an object further in.
func memberAt(object, key []byte) int {
	depth := 0
	for at := 0; ; at += len(key) {
		i := bytes.Index(object[at:], key)
		if i < 0 {
			return -1
		}
		if between := object[at : at+i]; at == 0 && bytes.IndexByte(between[1:], '{') < 0 {
			depth = 1 // what arrays there are have ended
		} else {
			depth += nesting(between)
		}
		at += i
		if before := object[at-1]; depth == 1 && (before == ',' || before == '{') {
			return at + len(key)
		}
	}
}

// nesting is by how many objects and arrays it is deeper behind a part of JSON text than before it.
func nesting(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i += stringEnd(b[i:])
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return depth
}

// stringEnd is the index of the quote that ends the JSON string that b begins with.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return len(b)
}
