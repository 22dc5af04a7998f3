package js

import (
	"encoding/json"
	"strings"

	"github.com/dop251/goja"
)

// modules resolves require as CouchDB does: a path of member names in the design document, relative to the module that
// asks if it begins with a dot, to a string of CommonJS source.
type modules struct {
	m      *machine
	root   map[string]any
	loaded map[string]*goja.Object // the module object by its path, from when it starts to load
}

func installRequire(m *machine, design []byte) {
	mods := &modules{m: m, loaded: map[string]*goja.Object{}}
	if err := json.Unmarshal(design, &mods.root); err != nil {
		return // a design document that is no object has nothing to require
	}
	m.set("require", func(c goja.FunctionCall) goja.Value { return mods.require(nil, c.Argument(0).String()) })
}

// require gives the exports of the module at path; dir is where a relative path starts.
func (s *modules) require(dir []string, path string) goja.Value {
	var at []string
	if strings.HasPrefix(path, ".") {
		at = append(at, dir...)
	}
	for step := range strings.SplitSeq(path, "/") {
		switch {
		case step == "" || step == ".":
		case step == ".." && len(at) == 0:
			s.fail("invalid_require_path", "Object has no parent "+path)
		case step == "..":
			at = at[:len(at)-1]
		default:
			at = append(at, step)
		}
	}
	id := strings.Join(at, "/")
	mod, ok := s.loaded[id]
	if !ok {
		mod = s.load(id, at, s.source(at, path))
	}
	return mod.Get("exports")
}

// source finds the module's text.
func (s *modules) source(at []string, path string) string {
	var node any = s.root
	for _, name := range at {
		object, ok := node.(map[string]any)
		if !ok || object[name] == nil {
			s.fail("invalid_require_path", "Object has no property '"+name+"'. "+path)
		}
		node = object[name]
	}
	src, ok := node.(string)
	if !ok {
		s.fail("invalid_require_path", "Must require a JavaScript string, not: object "+path)
	}
	return src
}

// load runs a module. It is known before it runs, so that modules may require each other.
func (s *modules) load(id string, at []string, src string) *goja.Object {
	r := s.m.r
	mod, exports := r.NewObject(), r.NewObject()
	if mod.Set("id", id) != nil || mod.Set("exports", exports) != nil {
		s.fail("compilation_error", "Module could not be made.")
	}
	if reason := checkSource(src); reason != "" {
		panic(r.NewTypeError(reason))
	}
	fn, err := r.RunScript(id, "(function(module, exports, require) {"+src+"\n})")
	if err != nil {
		s.fail("compilation_error", "Module require('"+id+"') raised error "+thrownText(err))
	}
	call, _ := goja.AssertFunction(fn)
	dir := at[:max(len(at)-1, 0)]
	require := r.ToValue(func(c goja.FunctionCall) goja.Value { return s.require(dir, c.Argument(0).String()) })
	s.loaded[id] = mod
	if _, err := call(exports, mod, exports, require); err != nil {
		delete(s.loaded, id)
		panic(err)
	}
	return mod
}

// fail throws ["error", word, reason], as CouchDB's own code does.
func (s *modules) fail(word, reason string) {
	panic(s.m.r.ToValue(s.m.r.NewArray("error", word, reason)))
}
