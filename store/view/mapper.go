package view

import "context"

// mapper is all the maps of a design document for one goroutine: functions in a JavaScript runtime, or definitions.
type mapper interface {
	// Watch bounds the time of the calls of Map until stop is called.
	Watch() (stop func())
	// Map calls row with what each view has for a doc, view by view. After an error the mapper is of no use.
	Map(doc string, row func(view int, key, value []byte)) error
}

var jsonNull = []byte("null")

// definitions are Mango indexes.
type definitions struct {
	views []viewSource
	doc   []byte
	key   []byte
}

// Watch implements mapper: what is done with a doc bounds its time itself.
func (d *definitions) Watch() func() { return func() {} }

// Map implements mapper.
func (d *definitions) Map(doc string, row func(view int, key, value []byte)) error {
	d.doc = append(d.doc[:0], doc...)
	for i := range d.views {
		def := d.views[i].native
		if def == nil {
			continue
		}
		var ok bool
		var err error
		if d.key, ok, err = def.AppendKey(context.Background(), d.key[:0], d.doc); err != nil {
			return err
		}
		if ok {
			row(i, d.key, jsonNull)
		}
	}
	return nil
}
