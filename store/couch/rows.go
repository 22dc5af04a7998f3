package couch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"logctl/store"
)

// readRows reads the answer of a view, {…,"rows":[{row},…],…}, and calls fn for each row until it returns false. A row that
// tells an error, other than a key that is not there, ends it, and so does an error beside the rows: CouchDB answers 200
// before it knows of either.
func readRows(r io.Reader, fn func(*store.Row) bool) error {
	s := newScanner(r)
	return s.whole(s.result(fn))
}

// readResults reads the answer to several queries, {"results":[…]}, each element of which is as readRows reads it.
func readResults(r io.Reader, fn func(*store.Row) bool) error {
	s := newScanner(r)
	var f failureMembers
	err := s.object(func(name []byte) error {
		if string(name) != "results" {
			return f.member(s, string(name))
		}
		return s.array(func() error { return s.result(fn) })
	})
	if err == nil && f.word != "" {
		err = f.error()
	}
	return s.whole(err)
}

// whole is the error of reading the only thing in the stream.
func (s *scanner) whole(err error) error {
	if errors.Is(err, errStopped) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.endOfStream()
}

// result reads the rows of one query; errStopped if fn returned false.
func (s *scanner) result(fn func(*store.Row) bool) error {
	var f failureMembers
	err := s.object(func(name []byte) error {
		if string(name) != "rows" {
			return f.member(s, string(name))
		}
		var row store.Row
		return s.array(func() error {
			err := s.row(&row)
			if err == nil && !fn(&row) {
				err = errStopped
			}
			return err
		})
	})
	if err == nil && f.word != "" {
		err = f.error()
	}
	return err
}

// errStopped ends the scan when the rows are no longer wanted.
var errStopped = errors.New("stopped")

// failureMembers gathers the members that tell of an error.
type failureMembers struct{ word, reason string }

func (f *failureMembers) member(s *scanner, name string) error {
	raw, err := s.value(nil)
	if err != nil {
		return err
	}
	switch name {
	case "error":
		f.word = text(raw)
	case "reason":
		f.reason = text(raw)
	}
	return nil
}

func (f *failureMembers) error() error {
	return &store.Error{Kind: kindOf(500, f.word), Word: f.word, Reason: f.reason}
}

// text is a JSON string's text, any other value as it is written.
func text(raw []byte) string {
	if len(raw) > 1 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// row reads one row. Its bytes hold until the next one is read.
func (s *scanner) row(row *store.Row) (err error) {
	if _, err := s.peek(); err != nil {
		return err
	}
	if !s.line(row) {
		*row, err = s.anyRow()
	}
	return err
}

// anyRow reads a row of any form.
func (s *scanner) anyRow() (store.Row, error) {
	type span struct{ from, to int }
	var key, value, doc span
	var row store.Row
	var f failureMembers
	buf := s.scratch[:0]
	err := s.object(func(name []byte) (err error) {
		from := len(buf)
		var part *span
		switch string(name) {
		case "id":
			buf, err = s.value(buf)
			row.ID = text(buf[from:])
			buf = buf[:from]
			return err
		case "key":
			part = &key
		case "value":
			part = &value
		case "doc":
			part = &doc
		default:
			return f.member(s, string(name))
		}
		buf, err = s.value(buf)
		*part = span{from, len(buf)}
		return err
	})
	s.scratch = buf
	if err != nil {
		return store.Row{}, err
	}
	if f.word != "" && f.word != "not_found" {
		return store.Row{}, f.error()
	}
	row.Err = f.word
	part := func(p span) json.RawMessage {
		if p.from == p.to {
			return nil
		}
		return buf[p.from:p.to:p.to]
	}
	row.Key, row.Value, row.Doc = part(key), part(value), part(doc)
	return row, nil
}

var errNotJSON = errors.New("not JSON")

func notJSON(what string, c byte) error {
	return fmt.Errorf("%w: %q where %s should be", errNotJSON, c, what)
}
