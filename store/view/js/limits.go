package js

import (
	"math"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
	"github.com/dop251/goja"

	"logctl/store"
)

// A call is interrupted between two steps of its function. What a builtin does in one step can't be: so those that make much out of
// little, or walk over arrays that are long and empty, are refused beforehand here.

const (
	maxArrayLen  = 4 << 20 // elements of arrays that builtins walk over
	maxJSONParts = 1 << 20 // values in what is written as JSON
	maxDepth     = 10_000  // of arrays and objects in what is written or read as JSON, and of brackets in a source
	maxSource    = 1 << 20 // bytes of a source, or of a regular expression
	maxGroups    = 10_000  // parentheses of a regular expression: each may be in the one before, and its compiler calls itself
	maxListed    = 1 << 16 // characters of a string whose properties are listed
)

// limitRegexps ends the regular expressions that backtrack, no earlier than the time of the call that they are in is over: the module's
// clock ticks every 100 ms. It is the module's one setting, so it is made once.
var limitRegexps = sync.OnceFunc(func() { regexp2.DefaultMatchTimeout = defaultTimeout + time.Second/2 })

// limit replaces the builtins.
func (m *machine) limit() {
	m.limitMethods("String", []string{"repeat", "padStart", "padEnd"}, m.checkPadding)
	m.limitMethods("String", []string{"replace", "replaceAll"}, m.checkReplace)
	m.limitMethods("String", []string{"concat"}, m.checkConcat)
	m.limitMethods("Array", strings.Fields(`concat copyWithin every fill filter find findIndex findLast findLastIndex flat flatMap forEach includes
		indexOf join lastIndexOf map reduce reduceRight reverse slice some sort splice shift unshift toReversed toSorted toSpliced with keys
		entries values toString toLocaleString`), m.checkArray)
	m.limitMethods("Function", []string{"apply"}, func(_ string, c *goja.FunctionCall) string {
		return tooLong(m.lengthOf(c.Argument(1)))
	})
	m.limitStatics("Array", "from")
	m.limitStatics("Reflect", "apply", "construct")
	m.limitStatics("String", "raw")
	m.limitIn(m.r.GlobalObject().Get("Object").ToObject(m.r),
		strings.Fields("assign entries getOwnPropertyDescriptors getOwnPropertyNames keys values"), checkListed)
	m.limitRegExp()
	m.limitStatics("JSON", "stringify", "parse")
	m.limitTypedArrays()
	m.limitIteration()
	m.forbidCode()
	for _, name := range strings.Fields(`ArrayBuffer Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array
		Float32Array Float64Array`) {
		m.limitConstructor(name, "RangeError", m.checkLength)
	}
	m.forbidGlobals()
}

// limitMethods puts a check before methods of a prototype: the reason that it gives, if any, is thrown as a RangeError.
func (m *machine) limitMethods(class string, names []string, check func(name string, c *goja.FunctionCall) string) {
	m.limitIn(m.r.GlobalObject().Get(class).ToObject(m.r).Get("prototype").ToObject(m.r), names, check)
}

// limitStatics checks the lengths and the sizes of the arguments.
func (m *machine) limitStatics(object string, names ...string) {
	m.limitIn(m.r.GlobalObject().Get(object).ToObject(m.r), names, func(name string, c *goja.FunctionCall) string {
		switch name {
		case "stringify":
			return m.checkStringify(&c.Arguments)
		case "parse":
			return checkParsed(&c.Arguments)
		case "raw":
			if o, ok := c.Argument(0).(*goja.Object); ok {
				return m.checkRaw(o, c.Arguments[1:])
			}
		}
		for _, a := range c.Arguments {
			if reason := tooLong(m.lengthOf(a)); reason != "" {
				return reason
			}
		}
		return ""
	})
}

// limitTypedArrays checks the lengths of what typed arrays are made of and filled from.
func (m *machine) limitTypedArrays() {
	typed := m.r.GlobalObject().Get("Int8Array").ToObject(m.r).Prototype()
	proto := typed.Get("prototype").ToObject(m.r)
	m.typedLength = m.mustCall(m.descriptor, proto, m.r.ToValue("length")).ToObject(m.r).Get("get")
	first := func(_ string, c *goja.FunctionCall) string { return tooLong(m.lengthOf(c.Argument(0))) }
	m.limitIn(typed, []string{"from"}, first)
	m.limitIn(proto, []string{"set"}, first)
	m.limitIn(proto, []string{"join"}, func(_ string, c *goja.FunctionCall) string {
		c.Arguments = slices.Clone(c.Arguments)
		if len(c.Arguments) == 0 || goja.IsUndefined(c.Arguments[0]) {
			return ""
		}
		c.Arguments[0] = toText(c.Arguments[0])
		if m.lengthOf(c.This)*textLen(c.Arguments[0]) > 8*maxStringLen {
			return reasonString
		}
		return ""
	})
}

// limitIteration bounds what takes the elements of an array one by one in a single step, as [...a] does. Arrays are looked at when that
// begins. Whatever else has their iterator, as arguments, is asked at each element whether the call is at its end.
func (m *machine) limitIteration() {
	array := m.r.GlobalObject().Get("Array").ToObject(m.r).Get("prototype").ToObject(m.r)
	list, err := m.r.RunString(`[][Symbol.iterator]()`)
	if err != nil {
		panic(err) // it is a builtin
	}
	iterators := list.ToObject(m.r).Prototype()
	next := iterators.Get("next")
	step, _ := goja.AssertFunction(next)
	asked := func(c goja.FunctionCall) goja.Value {
		if m.ending.Load() != nil {
			panic(m.rangeError("out of time or memory"))
		}
		v, err := step(c.This)
		if err != nil {
			panic(err)
		}
		return v
	}
	values, _ := goja.AssertFunction(array.Get("values"))
	checked := m.r.ToValue(func(c goja.FunctionCall) goja.Value {
		v, err := values(c.This)
		if err != nil {
			panic(err)
		}
		o := v.ToObject(m.r)
		if err := o.DefineDataProperty("next", next, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(err) // it is a new object
		}
		return o
	})
	err = iterators.DefineDataProperty("next", m.r.ToValue(asked), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	if err == nil {
		err = array.DefineDataPropertySymbol(goja.SymIterator, checked, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	if err != nil {
		panic(err) // the objects of a new runtime are extensible
	}
}

// checkListed looks at the strings whose properties, a character each, are to be listed.
func checkListed(_ string, c *goja.FunctionCall) string {
	for _, a := range c.Arguments {
		if s, ok := a.(goja.String); ok && s.Length() > maxListed {
			return reasonString
		}
	}
	return ""
}

func (m *machine) limitIn(o *goja.Object, names []string, check func(name string, c *goja.FunctionCall) string) {
	for _, name := range names {
		orig, ok := goja.AssertFunction(o.Get(name))
		if !ok {
			continue
		}
		limited := func(c goja.FunctionCall) goja.Value {
			if reason := check(name, &c); reason != "" {
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

// limitConstructor puts a check before a constructor, wherever it can be got from: the reason that it gives, if any, is thrown as an
// error of that class. The check may change the arguments.
func (m *machine) limitConstructor(name, class string, check func(args []goja.Value) string) {
	orig := m.r.GlobalObject().Get(name).ToObject(m.r)
	construct, ok := goja.AssertConstructor(orig)
	if !ok {
		return
	}
	limited := m.r.ToValue(func(c goja.ConstructorCall) *goja.Object {
		args := slices.Clone(c.Arguments)
		if reason := check(args); reason != "" {
			panic(m.newError(class, reason))
		}
		o, err := construct(c.NewTarget, args...)
		if err != nil {
			panic(err)
		}
		return o
	}).(*goja.Object)
	proto := orig.Get("prototype").ToObject(m.r)
	err := limited.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
	for _, own := range []string{"name", "length"} {
		if err == nil {
			err = limited.DefineDataProperty(own, orig.Get(own), goja.FLAG_FALSE, goja.FLAG_TRUE, goja.FLAG_FALSE)
		}
	}
	if err == nil {
		err = limited.SetPrototype(orig) // where its other members are
	}
	if err == nil {
		err = proto.DefineDataProperty("constructor", limited, goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE)
	}
	if err == nil {
		err = m.r.Set(name, limited)
	}
	if err != nil {
		panic(err) // the objects of a new runtime are extensible
	}
}

// checkLength checks the first of some arguments: a length, or what has one.
func (m *machine) checkLength(args []goja.Value) string {
	if len(args) == 0 {
		return ""
	}
	if _, isObject := args[0].(*goja.Object); isObject {
		return tooLong(m.lengthOf(args[0]))
	}
	return tooLong(args[0].ToFloat())
}

func tooLong(n float64) string {
	if n > maxArrayLen {
		return "invalid array length"
	}
	return ""
}

// lengthOf is the length of an array or of what looks like one, 0 for anything else. Where a function gives it, or an object becomes it,
// it may be another one when it is asked again: it counts as endless.
func (m *machine) lengthOf(v goja.Value) float64 {
	o, ok := v.(*goja.Object)
	if !ok {
		return 0
	}
	switch o.ClassName() {
	case "Array", "String":
	default:
		if m.asksForLength(o) {
			return math.Inf(1)
		}
	}
	switch n := o.Get("length").(type) {
	case nil:
		return 0
	case *goja.Object:
		return math.Inf(1)
	default:
		return n.ToFloat()
	}
}

// asksForLength tells whether a function of the source gives the length of an object.
func (m *machine) asksForLength(o *goja.Object) bool {
	for ; o != nil; o = o.Prototype() {
		d, ok := m.mustCall(m.descriptor, o, m.r.ToValue("length")).(*goja.Object)
		if !ok {
			continue
		}
		get, ok := d.Get("get").(*goja.Object)
		return ok && !get.SameAs(m.typedLength)
	}
	return false
}

// forbidCode takes away what makes code of texts, as CouchDB does: the parser calls itself for each bracket and operator, and one
// that calls itself too often ends the process.
func (m *machine) forbidCode() {
	const makers = `[Function, Object.getPrototypeOf(function*() {}).constructor, Object.getPrototypeOf(async function() {}).constructor]`
	list, err := m.r.RunString(makers)
	if err != nil {
		panic(err) // they are builtins
	}
	forbidden := func(name string) goja.Value {
		return m.r.ToValue(func(goja.FunctionCall) goja.Value {
			panic(m.newError("EvalError", "call to "+name+"() blocked by CSP"))
		})
	}
	m.set("eval", func(c goja.FunctionCall) goja.Value {
		if _, ok := c.Argument(0).(goja.String); !ok {
			return c.Argument(0)
		}
		panic(m.newError("EvalError", "call to eval() blocked by CSP"))
	})
	for i := range int(m.lengthOf(list)) {
		orig := list.ToObject(m.r).Get(index(i)).ToObject(m.r)
		proto := orig.Get("prototype").ToObject(m.r)
		instead := forbidden("Function").ToObject(m.r)
		err := instead.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		if err == nil {
			err = proto.DefineDataProperty("constructor", instead, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE)
		}
		if err == nil && i == 0 {
			err = m.r.Set("Function", instead)
		}
		if err != nil {
			panic(err) // the objects of a new runtime are extensible
		}
	}
}

// forbidGlobals takes away what makes integers of any size, of which a single operator makes one that fills the memory, or takes hours,
// and proxies, which answer one thing when they are asked for their length and another when they are asked again. Literals of big integers
// do not compile; see tame.
func (m *machine) forbidGlobals() {
	global := m.r.GlobalObject()
	views := global.Get("DataView").ToObject(m.r).Get("prototype").ToObject(m.r)
	for _, maker := range []struct {
		of   *goja.Object
		name string
	}{
		{global, "BigInt"}, {global, "BigInt64Array"}, {global, "BigUint64Array"}, {views, "getBigInt64"}, {views, "getBigUint64"},
		{global, "Proxy"},
	} {
		if err := maker.of.Delete(maker.name); err != nil {
			panic(err) // the builtins of a new runtime can be deleted
		}
	}
}

// checkSource looks whether a source may be parsed: the parser calls itself for brackets and operators. Brackets in texts count, too.
func checkSource(src string) string {
	if len(src) > maxSource {
		return "the source is too long"
	}
	if strings.Count(src, "=>") > maxDepth { // each one may be in the one before, which takes the parser time with the square
		return reasonDepth
	}
	depth := 0
	for i := range len(src) {
		switch src[i] {
		case '(', '[', '{':
			if depth++; depth > maxDepth {
				return reasonDepth
			}
		case ')', ']', '}':
			depth = max(depth-1, 0)
		}
	}
	return ""
}

const (
	reasonString = "invalid string length"
	reasonDepth  = "too much recursion"
)

// checkArray looks at the length of what a method is called on and, for those that write strings, at what they would write.
func (m *machine) checkArray(name string, c *goja.FunctionCall) string {
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
	case "flat":
		depth, room := 1.0, float64(maxArrayLen)
		if given := c.Argument(0); !goja.IsUndefined(given) {
			c.Arguments = slices.Clone(c.Arguments)
			c.Arguments[0] = toNumber(given)
			depth = c.Arguments[0].ToFloat()
		}
		return m.checkFlat(c.This, depth, 0, &room)
	default:
		return ""
	}
	size := 0.0
	if name == "join" && len(c.Arguments) > 0 && !goja.IsUndefined(c.Arguments[0]) {
		c.Arguments = slices.Clone(c.Arguments)
		c.Arguments[0] = toText(c.Arguments[0])
		size = n * textLen(c.Arguments[0])
	}
	if !m.fits(c.This, &budget{parts: maxJSONParts, bytes: maxStringLen - size}) {
		return reasonString
	}
	return ""
}

// checkFlat looks how many elements arrays in arrays have, down to a depth, at a level of them. What is in itself is endless.
func (m *machine) checkFlat(v goja.Value, depth float64, level int, room *float64) string {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Array" {
		return ""
	}
	if level > maxDepth {
		return reasonDepth
	}
	n := m.lengthOf(o)
	if *room -= n; *room < 0 {
		return tooLong(math.Inf(1))
	}
	if !(depth >= 1) { // NaN is 0
		return ""
	}
	for i := range int(n) {
		if reason := m.checkFlat(o.Get(index(i)), depth-1, level+1, room); reason != "" {
			return reason
		}
	}
	return ""
}

var errMemory = store.NewError(store.KindOSProcess, "OS process ran out of memory.")

// heapBytes is what the process has allocated and not freed yet.
func heapBytes() uint64 { return metric("/memory/classes/heap/objects:bytes") }

// liveBytes is what of it was in use when the garbage collector ran last.
func liveBytes() uint64 { return metric("/gc/heap/live:bytes") }

func metric(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return sample[0].Value.Uint64()
}
