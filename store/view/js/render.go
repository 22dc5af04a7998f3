package js

import (
	"errors"
	"time"

	"github.com/dop251/goja"

	"logctl/store"
)

// Renderer is a show, list, update or rewrite function. It is safe for concurrent use.
type Renderer struct{ f *function }

// NewRenderer compiles one. The error is of KindCompilation.
func NewRenderer(src string, o Options) (*Renderer, error) {
	f, err := newFunction(src, o)
	if err != nil {
		return nil, compilationError(err)
	}
	return &Renderer{f: f}, nil
}

// ListPeer is what a list function talks to.
type ListPeer struct {
	// Next gives the next row as a JSON object, nil after the last.
	Next func() ([]byte, error)
	// Send takes what the function has sent since. resp is the response object, JSON, that it gave to start; nil if it has
	// given none since.
	Send func(resp, chunk []byte) error
}

// Show calls a show function with JSON texts, a nil doc is null, and gives its response object.
func (r *Renderer) Show(doc, req []byte) (resp []byte, err error) {
	err = r.render("render_error", func(s *rendering) error {
		v, err := s.call(doc, req)
		if err == nil {
			resp, err = s.showResponse(v, req)
		}
		return err
	})
	if err != nil && doc == nil && !store.IsKind(err, store.KindOSProcess) && namesDoc(req) {
		err = store.NewError(store.KindNotFound, "document not found")
	}
	return resp, err
}

// Update calls an update function and gives the doc that it wants stored, nil for none, and its response object.
func (r *Renderer) Update(doc, req []byte) (newDoc, resp []byte, err error) {
	err = r.render("render_error", func(s *rendering) error {
		v, err := s.call(doc, req)
		if err != nil {
			return err
		}
		pair := v.ToObject(s.m.r) // of undefined it is an exception, as its members would be
		if d, ok := pair.Get("0").(*goja.Object); ok {
			if newDoc, err = s.m.appendObject(nil, d); err != nil {
				return err
			}
		}
		resp, err = s.response(pair.Get("1"), "undefined response from update function")
		return err
	})
	return newDoc, resp, err
}

// Rewrite calls a rewrite function and gives the object, or the string, that it returns; nil for nothing.
func (r *Renderer) Rewrite(req []byte) (target []byte, err error) {
	err = r.render("rewrite_error", func(s *rendering) error {
		v, err := s.call(req)
		if err != nil || !v.ToBoolean() {
			return err
		}
		target, err = s.m.appendJSON(nil, v, 0)
		return err
	})
	return target, err
}

// List calls a list function, which asks peer for rows and sends what it makes of them. The error is peer's if that had
// one.
func (r *Renderer) List(head, req []byte, peer ListPeer) error {
	return r.render("render_error", func(s *rendering) error {
		s.peer = &peer
		tail, err := s.call(head, req)
		if err == nil && s.provided != nil {
			tail, err = s.runProvided(req)
		}
		if err != nil {
			return err
		}
		if !s.gotRow {
			s.getRow(goja.FunctionCall{})
		}
		if !goja.IsUndefined(tail) && !goja.IsNull(tail) {
			s.add(tail)
		}
		s.flush(s.takeStart())
		return nil
	})
}

// rendering is one call of a Renderer.
type rendering struct {
	m       *machine
	fn      goja.Callable
	this    goja.Value // the design document
	peer    *ListPeer  // of list functions
	peerErr error

	chunks          []byte
	start           *goja.Object // given to start and not sent yet
	gotRow, lastRow bool

	types       mimeTypes
	provided    []provided
	contentType string // of the provided function that ran
}

// errAborted interrupts a list function whose peer failed.
var errAborted = errors.New("aborted")

// render makes one call and turns what it threw into the answer: ["error", word, reason] and {error, reason} with those words,
// anything else as word.
func (r *Renderer) render(word string, fn func(s *rendering) error) error {
	s := &rendering{}
	err := r.f.with(func(in *instance) error {
		s.m, s.fn, s.this = in.m, in.fn, r.f.design(in.m)
		s.install()
		var err error
		if ex := s.m.r.Try(func() { err = fn(s) }); ex != nil {
			err = ex
		}
		if err != nil {
			return renderError(err, word)
		}
		return nil
	})
	switch {
	case s.peerErr != nil:
		s.m.r.ClearInterrupt()
		return s.peerErr
	case err == nil:
		return nil
	}
	return compilationError(err)
}

// install defines the functions that only these functions have.
func (s *rendering) install() {
	s.m.set("start", func(c goja.FunctionCall) goja.Value {
		s.start = s.m.r.NewObject()
		if o, ok := c.Argument(0).(*goja.Object); ok {
			s.start = o
		}
		return goja.Undefined()
	})
	s.m.set("send", func(c goja.FunctionCall) goja.Value {
		v := c.Argument(0)
		if goja.IsUndefined(v) || goja.IsNull(v) {
			panic(s.m.r.NewTypeError("chunk is " + v.String()))
		}
		s.add(v)
		return goja.Undefined()
	})
	s.m.set("getRow", s.getRow)
	s.m.set("registerType", s.registerType)
	s.m.set("provides", s.provides)
}

// call calls the function with JSON texts.
func (s *rendering) call(texts ...[]byte) (goja.Value, error) {
	values, err := parseArguments(s.m, texts...)
	if err != nil {
		return nil, err
	}
	return s.fn(s.this, values...)
}

// add gathers what was sent.
func (s *rendering) add(v goja.Value) {
	text := v.String()
	if len(s.chunks)+len(text) > maxEmitBytes {
		panic(s.m.rangeError("too much sent at once"))
	}
	s.chunks = append(s.chunks, text...)
}

// takeStart is the response object given to start, nil if there is none.
func (s *rendering) takeStart() []byte {
	if s.start == nil {
		return nil
	}
	raw, err := s.m.appendObject(nil, s.start)
	if s.start = nil; err != nil {
		panic(err)
	}
	return raw
}

// getRow is the function of that name: what was sent so far goes out, then the next row comes.
func (s *rendering) getRow(goja.FunctionCall) goja.Value {
	if s.lastRow || s.peer == nil {
		return goja.Null()
	}
	if !s.gotRow {
		s.gotRow = true
		if s.start == nil {
			s.start = s.m.r.NewObject()
		}
		s.setContentType(s.start)
	}
	s.flush(s.takeStart())
	row, err := s.outside(s.peer.Next)
	if err != nil {
		return s.abort(err)
	}
	if row == nil {
		s.lastRow = true
		return goja.Null()
	}
	v, err := s.m.value(string(row))
	if err != nil {
		return s.abort(err)
	}
	return v
}

// flush sends what was gathered.
func (s *rendering) flush(resp []byte) {
	_, err := s.outside(func() ([]byte, error) { return nil, s.peer.Send(resp, s.chunks) })
	if s.chunks = s.chunks[:0]; err != nil {
		s.abort(err)
	}
}

// outside does what is not the function's doing: the time that it takes does not count, and the function's begins anew.
func (s *rendering) outside(fn func() ([]byte, error)) ([]byte, error) {
	if s.peerErr != nil {
		return nil, s.peerErr
	}
	s.m.calls.Add(1)
	defer func() {
		s.m.began = time.Now()
		s.m.calls.Add(1)
	}()
	return fn()
}

func (s *rendering) abort(err error) goja.Value {
	s.peerErr = err
	s.m.r.Interrupt(errAborted)
	return goja.Null()
}

// showResponse makes the response object of a show function: what it returned, after what it has sent, before what a
// function for the wanted type gives.
func (s *rendering) showResponse(v goja.Value, req []byte) ([]byte, error) {
	const undefined = "undefined response from show function"
	if !v.ToBoolean() {
		v = s.m.r.NewObject()
	}
	if len(s.chunks) == 0 && s.provided == nil {
		return s.response(v, undefined)
	}
	resp, err := s.wrap(v, undefined)
	if err != nil {
		return nil, err
	}
	s.addStart(resp)
	text := string(s.chunks)
	s.chunks = s.chunks[:0]
	if body := resp.Get("body"); body != nil && body.ToBoolean() {
		text += body.String()
	}
	if s.provided != nil {
		v, err := s.runProvided(req)
		if err != nil {
			return nil, err
		}
		text += string(s.chunks)
		if v.ToBoolean() {
			more, err := s.wrap(v, undefined)
			if err != nil {
				return nil, err
			}
			if body := more.Get("body"); body != nil && body.ToBoolean() {
				text += body.String()
			}
		}
		s.setContentType(resp)
	}
	s.member(resp, "body", s.m.r.ToValue(text))
	return s.m.appendObject(nil, resp)
}

// addStart adds what start was given to a response object: a code and headers, which may stand beside each other.
func (s *rendering) addStart(resp *goja.Object) {
	if s.start == nil {
		return
	}
	headers, ok := resp.Get("headers").(*goja.Object)
	if !ok {
		headers = s.m.r.NewObject()
		s.member(resp, "headers", headers)
	}
	for _, name := range s.start.Keys() {
		v := s.start.Get(name)
		more, isObject := v.(*goja.Object)
		switch {
		case name == "code":
			s.member(resp, name, v)
		case name == "headers" && isObject:
			for _, h := range more.Keys() {
				s.member(headers, h, more.Get(h))
			}
		default:
			s.member(headers, name, v)
		}
	}
}

// response is a response object as JSON; a string is a body.
func (s *rendering) response(v goja.Value, otherwise string) ([]byte, error) {
	o, err := s.wrap(v, otherwise)
	if err != nil {
		return nil, err
	}
	return s.m.appendObject(nil, o)
}

func (s *rendering) wrap(v goja.Value, otherwise string) (*goja.Object, error) {
	if text, ok := v.(goja.String); ok {
		o := s.m.r.NewObject()
		s.member(o, "body", text)
		return o, nil
	}
	if o, ok := v.(*goja.Object); ok && o.ClassName() != "Array" && o.ClassName() != "Function" {
		return o, nil
	}
	return nil, &store.Error{Kind: store.KindInternal, Word: "render_error", Reason: otherwise}
}

// member sets a member of an object of the function's, which may refuse.
func (s *rendering) member(o *goja.Object, name string, v goja.Value) {
	if err := o.Set(name, v); err != nil {
		panic(err)
	}
}

// setContentType adds the type that was provided to a response object that has none.
func (s *rendering) setContentType(resp *goja.Object) {
	headers, ok := resp.Get("headers").(*goja.Object)
	if !ok {
		headers = s.m.r.NewObject()
		s.member(resp, "headers", headers)
	}
	if v := headers.Get("Content-Type"); s.contentType != "" && (v == nil || !v.ToBoolean()) {
		s.member(headers, "Content-Type", s.m.r.ToValue(s.contentType))
	}
}

// namesDoc tells whether the path of a request names a doc.
func namesDoc(req []byte) bool {
	const show = 5 // db, _design, name, _show, function
	return len(requestOf(req).Path) > show
}

// renderError is the answer to what a function threw.
func renderError(err error, word string) error {
	var ex *goja.Exception
	if !errors.As(err, &ex) || ex.Value() == nil {
		return compilationError(err)
	}
	if o, ok := ex.Value().(*goja.Object); ok {
		text := func(name string) string {
			if v := o.Get(name); v != nil && v.ToBoolean() {
				return v.String()
			}
			return ""
		}
		if kind := text("0"); kind == "error" || kind == "fatal" {
			return namedError(text("1"), text("2"))
		}
		if text("error") != "" && text("reason") != "" {
			return namedError(text("error"), text("reason"))
		}
	}
	return &store.Error{Kind: store.KindInternal, Word: word, Reason: "function raised error: " + ex.Value().String()}
}

// namedError is an error whose word says what it is.
func namedError(word, reason string) error {
	kind := store.KindInternal
	for _, k := range []store.Kind{
		store.KindBadRequest, store.KindUnauthorized, store.KindForbidden, store.KindNotFound, store.KindMethodNotAllowed,
		store.KindNotAcceptable, store.KindConflict,
	} {
		if k.Word() == word {
			kind = k
		}
	}
	return &store.Error{Kind: kind, Word: word, Reason: reason}
}
