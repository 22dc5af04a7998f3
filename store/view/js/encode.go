package js

import (
	"math"
	"reflect"
	"strconv"

	"github.com/dop251/goja"

	"logctl/store"
)

// maxFastDepth is how deep nested arrays are written here; deeper ones (or those that contain themselves) are
// JSON.stringify's.
const maxFastDepth = 8

// appendJSON appends v as JSON.stringify writes it inside an array: null for what is no JSON. An error is what a toJSON
// method threw.
func (m *machine) appendJSON(dst []byte, v goja.Value, depth int) ([]byte, error) {
	if v == nil || goja.IsUndefined(v) || goja.IsNull(v) {
		return append(dst, "null"...), nil
	}
	if o, ok := v.(*goja.Object); ok {
		if depth < maxFastDepth && o.ClassName() == "Array" {
			return m.appendArray(dst, o, depth)
		}
		return m.appendObject(dst, o)
	}
	if s, ok := v.(goja.String); ok {
		return store.AppendJSONString(dst, s.String()), nil
	}
	switch v.ExportType().Kind() {
	case reflect.Int64:
		return strconv.AppendInt(dst, v.ToInteger(), 10), nil
	case reflect.Float64:
		f := v.ToFloat()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return append(dst, "null"...), nil
		}
		return append(dst, v.String()...), nil
	case reflect.Bool:
		return strconv.AppendBool(dst, v.ToBoolean()), nil
	}
	return append(dst, "null"...), nil // a symbol
}

func (m *machine) appendArray(dst []byte, o *goja.Object, depth int) ([]byte, error) {
	n := int(o.Get("length").ToInteger())
	dst = append(dst, '[')
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = m.appendJSON(dst, o.Get(index(i)), depth+1); err != nil {
			return dst, err
		}
		if len(dst) > maxEmitBytes {
			return dst, errTooMuch
		}
	}
	return append(dst, ']'), nil
}

func (m *machine) appendObject(dst []byte, o *goja.Object) ([]byte, error) {
	args := []goja.Value{o}
	if reason := m.checkStringify(&args); reason != "" {
		return dst, errTooMuch
	}
	v, err := m.stringify(goja.Undefined(), args...)
	if err != nil {
		return dst, err
	}
	if goja.IsUndefined(v) {
		return append(dst, "null"...), nil
	}
	return append(dst, v.String()...), nil
}

// index is an array index as a property name.
func index(i int) string {
	if i < len(smallIndexes) {
		return smallIndexes[i : i+1]
	}
	return strconv.Itoa(i)
}

const smallIndexes = "0123456789"
