package js

import (
	"testing"
	"time"

	"logctl/store"
)

// TestThrownObjects: what looks at an object that a function threw may run functions of it. They get the call's time and no more, and
// what they throw is no panic.
func TestThrownObjects(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"endless": "while (true) {}", "throws": "throw 'again'"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := Options{Timeout: 50 * time.Millisecond}
			src := func(args string) string {
				return "function(" + args + ") { var o = ['x'], g = function() { " + body + " };" +
					" Object.defineProperty(o, '0', {get: g}); Object.defineProperty(o, 'forbidden', {get: g}); throw o }"
			}
			v, err := NewValidator(src("n"), o)
			if err != nil {
				t.Fatal(err)
			}
			f, err := NewFilter(src("d, r"), o)
			if err != nil {
				t.Fatal(err)
			}
			r, err := NewRenderer(src("d, r"), o)
			if err != nil {
				t.Fatal(err)
			}
			red, err := NewReducer(src("k, v"), o)
			if err != nil {
				t.Fatal(err)
			}
			empty := []byte("{}")
			for what, call := range map[string]func() error{
				"validator": func() error { return v.Validate(empty, nil, empty, empty) },
				"filter":    func() error { _, err := f.Filter(empty, empty); return err },
				"show":      func() error { _, err := r.Show(nil, empty); return err },
				"reducer":   func() error { _, err := red.Rereduce(nil, [][]byte{[]byte("1")}); return err },
			} {
				if err := call(); !store.IsKind(err, store.KindOSProcess) {
					t.Errorf("%s: %v", what, err)
				}
			}
		})
	}
}
