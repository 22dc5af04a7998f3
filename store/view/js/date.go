package js

import (
	"math"
	"strings"
	"time"

	"github.com/dop251/goja"

	"logctl/store/view/js/jsdate"
)

// installDate makes Date work in UTC: goja's own takes the process's local zone, and a view's keys must not depend on where
// the server stands. Local getters and setters become the UTC ones, texts without a zone are read as UTC, and texts are
// parsed as SpiderMonkey does.
func installDate(r *goja.Runtime) {
	global := r.GlobalObject()
	native := global.Get("Date").ToObject(r)
	proto := native.Get("prototype").ToObject(r)
	construct, ok := goja.AssertConstructor(native)
	if !ok {
		panic("js: Date is no constructor") // a runtime without it is a broken build
	}
	utc, _ := goja.AssertFunction(native.Get("UTC"))

	now := func() goja.Value { return r.ToValue(time.Now().UnixMilli()) }
	ctor := r.ToValue(func(c goja.ConstructorCall) *goja.Object {
		var ms goja.Value
		switch len(c.Arguments) {
		case 0:
			ms = now()
		case 1:
			ms = dateArgument(r, c.Arguments[0], native)
		default:
			v, err := utc(native, c.Arguments...)
			if err != nil {
				panic(err)
			}
			ms = v
		}
		d, err := construct(c.NewTarget, ms)
		if err != nil {
			panic(err)
		}
		return d
	}).(*goja.Object)

	def := func(o *goja.Object, name string, v any) {
		if err := o.DefineDataProperty(name, r.ToValue(v), goja.FLAG_TRUE, goja.FLAG_TRUE, goja.FLAG_FALSE); err != nil {
			panic(err) // objects of a new runtime are extensible
		}
	}
	def(ctor, "now", func(goja.FunctionCall) goja.Value { return now() })
	def(ctor, "UTC", native.Get("UTC"))
	def(ctor, "parse", func(c goja.FunctionCall) goja.Value { return r.ToValue(jsdate.Parse(c.Argument(0).String())) })
	if err := ctor.DefineDataProperty("prototype", proto, goja.FLAG_FALSE, goja.FLAG_FALSE, goja.FLAG_FALSE); err != nil {
		panic(err) // the property of a native constructor is still configurable
	}
	def(proto, "constructor", ctor)
	def(global, "Date", ctor)

	for _, part := range strings.Fields("FullYear Month Date Hours Minutes Seconds Milliseconds Day") {
		def(proto, "get"+part, proto.Get("getUTC"+part))
		if part != "Day" {
			def(proto, "set"+part, proto.Get("setUTC"+part))
		}
	}
	def(proto, "getTimezoneOffset", func(c goja.FunctionCall) goja.Value { return r.ToValue(0) })
	def(proto, "getYear", func(c goja.FunctionCall) goja.Value {
		ms := dateValue(r, c.This)
		if math.IsNaN(ms) {
			return goja.NaN()
		}
		return r.ToValue(time.UnixMilli(int64(ms)).UTC().Year() - 1900)
	})
	for name, layout := range dateLayouts {
		def(proto, name, func(c goja.FunctionCall) goja.Value {
			ms := dateValue(r, c.This)
			if math.IsNaN(ms) {
				return r.ToValue("Invalid Date")
			}
			return r.ToValue(time.UnixMilli(int64(ms)).UTC().Format(layout))
		})
	}
}

// dateLayouts are the methods that write a date, as SpiderMonkey does in the C locale and UTC.
var dateLayouts = map[string]string{
	"toString":           "Mon Jan 02 2006 15:04:05 GMT+0000 (Coordinated Universal Time)",
	"toDateString":       "Mon Jan 02 2006",
	"toTimeString":       "15:04:05 GMT+0000 (Coordinated Universal Time)",
	"toLocaleString":     "1/2/2006, 3:04:05 PM",
	"toLocaleDateString": "1/2/2006",
	"toLocaleTimeString": "3:04:05 PM",
}

// dateArgument is the time value that `new Date(v)` takes.
func dateArgument(r *goja.Runtime, v goja.Value, native *goja.Object) goja.Value {
	if o, ok := v.(*goja.Object); ok {
		if r.InstanceOf(o, native) {
			return r.ToValue(dateValue(r, o))
		}
		prim := o.Export()
		if s, ok := prim.(string); ok {
			return r.ToValue(jsdate.Parse(s))
		}
		if o.ClassName() == "Number" {
			return v.ToNumber()
		}
		return r.ToValue(jsdate.Parse(o.String()))
	}
	if s, ok := v.(goja.String); ok {
		return r.ToValue(jsdate.Parse(s.String()))
	}
	return v.ToNumber()
}

// dateValue is the time value of a Date, NaN if it is invalid; anything else is a TypeError.
func dateValue(r *goja.Runtime, v goja.Value) float64 {
	o, ok := v.(*goja.Object)
	if !ok || o.ClassName() != "Date" {
		panic(r.NewTypeError("this is not a Date object."))
	}
	t, ok := o.Export().(time.Time)
	if !ok {
		return math.NaN()
	}
	return float64(t.UnixMilli())
}
