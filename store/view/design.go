package view

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/mango"
	"logctl/store/view/collate"
	"logctl/store/view/js"
	"logctl/store/view/reduce"
)

// Design is the part of a design document that its views depend on.
type Design struct {
	id       string
	language string
	views    []viewSource // sorted by name
	lib      []byte       // the JSON of views.lib, nil for none
	options  designOptions
	manual   bool  // "autoupdate": false: updated by queries alone
	split    *bool // options.partitioned, nil if it does not say
	scoped   bool  // keys stand together by the partition of their doc
	sig      string
}

type viewSource struct {
	name, mapSrc, reduceSrc string
	native                  *mango.Definition // in place of a function; nil for those and for what is no definition
	order                   collate.Order
}

type designOptions struct {
	LocalSeq      bool   `json:"local_seq"`
	IncludeDesign bool   `json:"include_design"`
	Collation     string `json:"collation"`
}

// javascript is the language of views that are functions.
const javascript = "javascript"

// countReducer is the builtin that needs no stored reductions: trees count rows anyway.
const countReducer = reduce.CountPrefix

func invalidDesign(reason string) error {
	return &store.Error{Kind: store.KindBadRequest, Word: "invalid_design_doc", Reason: reason}
}

// ParseDesign reads a design document's body. The error is what CouchDB answers to a design document of the wrong shape;
// whether its functions compile is for Validate to say.
func ParseDesign(id string, body []byte) (*Design, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, store.NewError(store.KindBadRequest, "Document must be a JSON object")
	}
	if err := checkShape(members); err != nil {
		return nil, err
	}
	d := &Design{id: id, language: javascript}
	if raw, ok := members["language"]; ok {
		_ = json.Unmarshal(raw, &d.language) // a string: checkShape has seen it
	}
	if raw, ok := members["options"]; ok {
		_ = json.Unmarshal(raw, &d.options) // members of other types than ours count as absent, as in CouchDB
		var o struct{ Partitioned json.RawMessage }
		_ = json.Unmarshal(raw, &o)
		if o.Partitioned != nil && json.Unmarshal(o.Partitioned, &d.split) != nil || string(o.Partitioned) == "null" {
			return nil, invalidDesign("`options.partitioned` field must have boolean type")
		}
	}
	d.manual = string(members["autoupdate"]) == "false"
	if raw, ok := members["views"]; ok {
		if err := d.parseViews(raw); err != nil {
			return nil, err
		}
	}
	d.sig = d.signature()
	return d, nil
}

// In is the design as a database takes it: in a partitioned one its views are of one partition each, unless it says
// otherwise.
func (d *Design) In(partitioned bool) (*Design, error) {
	if d.split != nil {
		if *d.split && !partitioned {
			return nil, invalidDesign("partitioned option cannot be true in a non-partitioned database.")
		}
		partitioned = *d.split
	}
	if !partitioned {
		return d, nil
	}
	c := *d
	c.scoped = true
	c.sig = c.signature()
	return &c, nil
}

func (d *Design) parseViews(raw json.RawMessage) error {
	var views map[string]json.RawMessage
	if err := json.Unmarshal(raw, &views); err != nil {
		return invalidDesign("`views` field must have object type")
	}
	for _, name := range slices.Sorted(maps.Keys(views)) {
		raw := views[name]
		if kindOf(raw) != "object" {
			return invalidDesign("`views." + name + "` field must have object type")
		}
		if name == "lib" {
			if err := d.checkLib(raw); err != nil {
				return err
			}
			d.lib = compact(raw)
			continue
		}
		v, err := d.parseView(name, raw)
		if err != nil {
			return err
		}
		d.views = append(d.views, v)
	}
	slices.SortFunc(d.views, func(a, b viewSource) int { return strings.Compare(a.name, b.name) })
	return nil
}

// checkLib refuses a module that would be no function if the lib were a view.
func (d *Design) checkLib(raw json.RawMessage) error {
	var f struct{ Map, Reduce json.RawMessage }
	if err := json.Unmarshal(raw, &f); err != nil {
		return invalidDesign("`views.lib` field must have object type")
	}
	want := "string"
	if d.isQuery() {
		want = "object"
	}
	if f.Map != nil && kindOf(f.Map) != want {
		return invalidDesign("`views.lib.map` field must have " + want + " type")
	}
	if f.Reduce != nil && kindOf(f.Reduce) != "string" {
		return invalidDesign("`views.lib.reduce` field must have string type")
	}
	return nil
}

func (d *Design) parseView(name string, raw json.RawMessage) (viewSource, error) {
	v := viewSource{name: name}
	var f struct{ Map, Reduce, Options json.RawMessage }
	if err := json.Unmarshal(raw, &f); err != nil {
		return v, invalidDesign("`views." + name + "` field must have object type")
	}
	switch kind := kindOf(f.Map); {
	case f.Map == nil:
		return v, invalidDesign("View `" + name + "` must contain map function")
	case kind == "object" && d.isQuery():
		v.mapSrc, v.reduceSrc = string(compact(f.Map)), countReducer
		v.native, _ = mango.ParseDefinition(f.Map) // what is no definition indexes nothing, as in CouchDB
		return v, nil
	case d.isQuery():
		return v, invalidDesign("`views." + name + ".map` field must have object type")
	case kind != "string":
		return v, invalidDesign("`views." + name + ".map` field must have string type")
	case f.Reduce != nil && kindOf(f.Reduce) != "string":
		return v, invalidDesign("`views." + name + ".reduce` field must have string type")
	}
	_ = json.Unmarshal(f.Map, &v.mapSrc)
	if f.Reduce != nil {
		_ = json.Unmarshal(f.Reduce, &v.reduceSrc)
	}
	v.order = d.orderOf(f.Options)
	if v.mapSrc == "" || f.Reduce != nil && v.reduceSrc == "" {
		return v, store.NewError(store.KindNotFound, "missing function")
	}
	v.reduceSrc = strings.TrimSpace(v.reduceSrc)
	if strings.HasPrefix(v.reduceSrc, "_") {
		if reason := reduce.Check(v.reduceSrc); reason != "" {
			return v, invalidDesign(reason)
		}
		if strings.HasPrefix(v.reduceSrc, countReducer) {
			v.reduceSrc = countReducer
		}
	}
	return v, nil
}

func compact(raw []byte) []byte {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return raw
	}
	return b.Bytes()
}

func (d *Design) isJavaScript() bool { return strings.EqualFold(d.language, javascript) }

// isQuery tells a design document of Mango indexes.
func (d *Design) isQuery() bool { return d.language == mango.Language }

// signature hashes what an index depends on.
func (d *Design) signature() string {
	h := md5.New()
	fmt.Fprintf(h, "%d %s %q %+v %q", formatVersion, collate.Version, strings.ToLower(d.language), d.options, d.lib)
	for _, v := range d.views {
		fmt.Fprintf(h, " %q %q %q", v.name, v.mapSrc, v.reduceSrc)
		if v.order != collate.ICU {
			fmt.Fprintf(h, " %d", v.order)
		}
	}
	if d.scoped {
		fmt.Fprint(h, " scoped")
	}
	return hex.EncodeToString(h.Sum(nil))
}

// ID is the id of the document.
func (d *Design) ID() string { return d.id }

// Signature is 32 hex digits that are the same for designs with the same index.
func (d *Design) Signature() string { return d.sig }

// Language is the language of the document's functions, "javascript" if it does not say.
func (d *Design) Language() string { return d.language }

// Has tells whether there is a view of that name.
func (d *Design) Has(view string) bool { return d.find(view) >= 0 }

// find is the number of the view of that name, -1 if there is none.
func (d *Design) find(view string) int {
	return slices.IndexFunc(d.views, func(v viewSource) bool { return v.name == view })
}

// Validate compiles all functions of the views. The error is of KindCompilation with CouchDB's words.
func (d *Design) Validate() error {
	if !d.isJavaScript() {
		return nil
	}
	for _, v := range d.views {
		if err := js.Check(v.mapSrc, d.jsOptions(0)); err != nil {
			return compilation("map", v.name, err)
		}
		if v.reduceSrc == "" || v.reduceSrc[0] == '_' {
			continue
		}
		if err := js.Check(v.reduceSrc, d.jsOptions(0)); err != nil {
			return compilation("reduce", v.name, err)
		}
	}
	return nil
}

func compilation(what, view string, err error) error {
	var c *js.CompileError
	if !errors.As(err, &c) {
		return err
	}
	return store.NewError(store.KindCompilation, "Compilation of the "+what+" function in the '"+view+"' view failed: "+c.Reason)
}

// jsOptions are those that the design's functions run with.
func (d *Design) jsOptions(timeout time.Duration) js.Options {
	o := js.Options{Timeout: timeout}
	if d.lib != nil {
		o.Design = append(append([]byte(`{"views":{"lib":`), d.lib...), `}}`...)
	}
	return o
}

// orderOf is the order that a view's own options ask for or, where they don't, those of the design document.
func (d *Design) orderOf(options json.RawMessage) collate.Order {
	o := struct{ Collation string }{d.options.Collation}
	if options != nil {
		_ = json.Unmarshal(options, &o) // members of other types count as absent
	}
	if o.Collation == "raw" {
		return collate.Raw
	}
	return collate.ICU
}
