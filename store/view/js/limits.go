package js

import (
	"runtime/metrics"
	"strings"
	"sync"
	"unicode/utf16"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"logctl/store"
)

// A call is interrupted between two steps of its function. What a builtin does in one step can't be: so those that make much out of
// little, or walk over arrays that are long and empty, are refused beforehand here.

const (
	maxArrayLen  = 4 << 20 // elements of arrays that builtins walk over
	maxJSONParts = 1 << 20 // values in what is written as JSON
	maxHeapGrow  = 512 << 20
)

// limitRegexps ends the regular expressions that backtrack. It is the module's one setting, so it is made once.
var limitRegexps = sync.OnceFunc(func() { regexp2.DefaultMatchTimeout = defaultTimeout })

// limit replaces the builtins.
func (m *machine) limit() {
	m.limitMethods("String", []string{"repeat", "padStart", "padEnd"}, m.checkPadding)
	m.limitMethods("String", []string{"replace", "replaceAll"}, m.checkReplace)
	m.limitMethods("Array", strings.Fields(`concat copyWithin every fill filter find findIndex findLast findLastIndex flat flatMap forEach includes
		indexOf join lastIndexOf map reduce reduceRight reverse slice some sort splice shift unshift toString toLocaleString`), m.checkArray)
	m.limitMethods("Function", []string{"apply"}, func(_ string, c goja.FunctionCall) string {
		return tooLong(m.lengthOf(c.Argument(1)))
	})
	m.limitStatics("Array", "from")
	m.limitStatics("Reflect", "apply", "construct")
	m.limitStatics("JSON", "stringify")
	for _, name := range strings.Fields(`ArrayBuffer Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array
		Float32Array Float64Array BigInt64Array BigUint64Array`) {
		m.limitConstructor(name)
	}
}

// limitMethods puts a check before methods of a prototype: the reason that it gives, if any, is thrown as a RangeError.
func (m *machine) limitMethods(class string, names []string, check func(name string, c goja.FunctionCall) string) {
	m.limitIn(m.r.GlobalObject().Get(class).ToObject(m.r).Get("prototype").ToObject(m.r), names, check)
}

// limitStatics checks the lengths and the sizes of the arguments.
func (m *machine) limitStatics(object string, names ...string) {
	m.limitIn(m.r.GlobalObject().Get(object).ToObject(m.r), names, func(name string, c goja.FunctionCall) string {
		if name == "stringify" {
			return m.checkJSON(c.Argument(0))
		}
		for _, a := range c.Arguments {
			if reason := tooLong(m.lengthOf(a)); reason != "" {
				return reason
			}
		}
		return ""
	})
}

func (m *machine) limitIn(o *goja.Object, names []string, check func(name string, c goja.FunctionCall) string) {
	for _, name := range names {
		orig, ok := goja.AssertFunction(o.Get(name))
		if !ok {
			continue
		}
		limited := func(c goja.FunctionCall) goja.Value {
			if reason := check(name, c); reason != "" {
				panic(m.rangeError(reason))
			}
			v, err := orig(c.This, c.Arguments...)
			if err != nil {
				panic(err)
			}
			return v
		}
		if err := o.DefineDataProperty(name, m.r.ToValue(limited), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(err) // objects of a new runtime are extensible
		}
	}
}

// limitConstructor checks the first argument of a constructor: a length, or what has one.
func (m *machine) limitConstructor(name string) {
	orig := m.r.GlobalObject().Get(name).ToObject(m.r)
	construct, ok := goja.AssertConstructor(orig)
	if !ok {
		return
	}
	limited := m.r.ToValue(func(c goja.ConstructorCall) *goja.Object {
		if len(c.Arguments) > 0 {
			n := m.lengthOf(c.Arguments[0])
			if _, isObject := c.Arguments[0].(*goja.Object); !isObject {
				n = c.Arguments[0].ToFloat()
			}
			if reason := tooLong(n); reason != "" {
				panic(m.rangeError(reason))
			}
		}
		o, err := construct(c.NewTarget, c.Arguments...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	err := limited.DefineDataProperty("prototype", orig.Get("prototype"), goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	if err == nil {
		err = limited.SetPrototype(orig) // where its other members are
	}
	if err == nil {
		err = m.r.Set(name, limited)
	}
	if err != nil {
		panic(err) // the objects of a new runtime are extensible
	}
}

func tooLong(n float64) string {
	if n > maxArrayLen {
		return "invalid array length"
	}
	return ""
}

// lengthOf is the length of an array or of what looks like one, 0 for anything else.
func (m *machine) lengthOf(v goja.Value) float64 {
	o, ok := v.(*goja.Object)
	if !ok {
		return 0
	}
	n := o.Get("length")
	if n == nil || goja.IsUndefined(n) {
		return 0
	}
	return n.ToFloat()
}

const reasonString = "invalid string length"

func (m *machine) checkPadding(name string, c goja.FunctionCall) string {
	size := c.Argument(0).ToFloat()
	if name == "repeat" {
		size *= float64(len(utf16.Encode([]rune(c.This.String()))))
	}
	if size > maxStringLen {
		return reasonString
	}
	return ""
}

// checkReplace bounds what a replacement may make if everything is replaced.
func (m *machine) checkReplace(_ string, c goja.FunctionCall) string {
	s, ok := c.This.(goja.String)
	by, ok2 := c.Argument(1).(goja.String)
	if ok && ok2 && (float64(s.Length())+1)*float64(by.Length()) > 8*maxStringLen {
		return reasonString
	}
	return ""
}

// checkArray looks at the length of what a method is called on and, for those that write strings, at what they would write.
func (m *machine) checkArray(name string, c goja.FunctionCall) string {
	n := m.lengthOf(c.This)
	if reason := tooLong(n); reason != "" {
		return reason
	}
	switch name {
	case "join", "toString", "toLocaleString":
	case "concat":
		for _, a := range c.Arguments {
			if n += m.lengthOf(a); n > maxArrayLen {
				return "invalid array length"
			}
		}
		return ""
	default:
		return ""
	}
	size := 0.0
	if sep, ok := c.Argument(0).(goja.String); ok {
		size = n * float64(sep.Length())
	}
	if !m.fits(c.This, &budget{parts: maxJSONParts, bytes: maxStringLen - size}) {
		return reasonString
	}
	return ""
}

// checkJSON looks whether a value may be written as JSON.
func (m *machine) checkJSON(v goja.Value) string {
	if !m.fits(v, &budget{parts: maxJSONParts, bytes: maxStringLen}) {
		return reasonString
	}
	return ""
}

// budget is how many values and bytes of text may still be written.
type budget struct {
	parts int
	bytes float64
}

// fits walks over a value as JSON.stringify does and tells whether it is within the budget. Objects that are met twice count twice,
// so that what contains itself does not fit, or is found out by JSON.stringify.
func (m *machine) fits(v goja.Value, b *budget) bool {
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

var errMemory = store.NewError(store.KindOSProcess, "OS process ran out of memory.")

// heapBytes is what the process has allocated and not freed yet.
func heapBytes() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
