package js

import (
	"math"
	"slices"

	"github.com/dop251/goja"
)

// checkParsed looks how deep the arrays and objects of a text nest, which is the first of some arguments, and how many they are. What
// becomes a text is one from then on.
func checkParsed(args *[]goja.Value) string {
	if len(*args) == 0 {
		return ""
	}
	*args = slices.Clone(*args)
	s, ok := (*args)[0].(goja.String)
	if !ok {
		if s, ok = (*args)[0].ToString().(goja.String); !ok {
			return ""
		}
		(*args)[0] = s
	}
	depth, parts, quoted := 0, 0, false
	text := s.String()
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			if c == '\\' {
				i++
			}
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '[' || c == '{':
			if depth++; depth > maxDepth {
				return reasonDepth
			}
			if parts++; parts > maxJSONParts {
				return "too many arrays and objects"
			}
		case c == ']' || c == '}':
			depth--
		}
	}
	return ""
}

// checkStringify looks whether the first of some arguments of JSON.stringify may be written. Where functions have a say in what is
// written, what they give is looked at, too.
func (m *machine) checkStringify(args *[]goja.Value) string {
	given := append(slices.Clone(*args), goja.Undefined(), goja.Undefined(), goja.Undefined())[:3]
	b := &budget{parts: maxJSONParts, bytes: maxStringLen}
	if !goja.IsUndefined(given[2]) {
		b.indent = 10 // the most that JSON.stringify indents by
	}
	if !m.fits(given[0], b) {
		return reasonString
	}
	replace, ok := goja.AssertFunction(given[1])
	asItIs := func(_ goja.Value, args ...goja.Value) (goja.Value, error) { return args[1], nil }
	switch {
	case ok:
		given[1] = m.boundedReplacer(replace)
	case m.lengthOf(given[1]) > maxArrayLen:
		return tooLong(math.Inf(1))
	case b.hooks && goja.IsUndefined(given[1]):
		given[1] = m.boundedReplacer(asItIs)
	case b.hooks:
		text := m.mustCall(m.stringify, given[0], m.boundedReplacer(asItIs))
		if !goja.IsUndefined(text) {
			given[0] = m.mustCall(m.parse, text)
		}
	}
	*args = given
	return ""
}

// boundedReplacer is a function for JSON.stringify that gives what another one gives, as long as that may be written.
func (m *machine) boundedReplacer(replace goja.Callable) goja.Value {
	b := &budget{parts: maxJSONParts, bytes: maxStringLen}
	return m.r.ToValue(func(c goja.FunctionCall) goja.Value {
		v, err := replace(c.This, c.Arguments...)
		if err != nil {
			panic(err)
		}
		n := 0.0
		if s, ok := v.(goja.String); ok {
			b.bytes -= float64(s.Length())
		} else if o, ok := v.(*goja.Object); ok && o.ClassName() == "Array" {
			n = m.lengthOf(o)
		}
		if b.parts--; n > float64(b.parts) || b.bytes < 0 {
			panic(m.rangeError(reasonString))
		}
		return v
	})
}

// budget is how many values and bytes of text may still be written, and how deep they are now.
type budget struct {
	parts, depth int
	bytes        float64
	indent       float64 // characters a level
	hooks        bool    // a function gives what is written of an object
}

// fits walks over a value as JSON.stringify does and tells whether it is within the budget. Objects that are met twice count twice,
// so that what contains itself does not fit, or is found out by JSON.stringify.
func (m *machine) fits(v goja.Value, b *budget) bool {
	b.bytes -= float64(b.depth) * b.indent
	if b.parts--; b.parts < 0 || b.bytes < 0 {
		return false
	}
	if s, ok := v.(goja.String); ok {
		b.bytes -= float64(s.Length())
		return b.bytes >= 0
	}
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() == "Function" {
		return true
	}
	if b.depth++; b.depth > maxDepth {
		return false
	}
	defer func() { b.depth-- }()
	if hook, ok := o.Get("toJSON").(*goja.Object); ok && o.ClassName() != "Date" && hook.ClassName() == "Function" {
		b.hooks = true
	}
	if o.ClassName() == "Array" {
		n := m.lengthOf(o)
		if n > float64(b.parts) {
			return false
		}
		for i := range int(n) {
			if !m.fits(o.Get(index(i)), b) {
				return false
			}
		}
		return true
	}
	for _, key := range o.Keys() {
		b.bytes -= float64(len(key))
		if !m.fits(o.Get(key), b) {
			return false
		}
	}
	return true
}
