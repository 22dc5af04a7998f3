package couchapi

import (
	"bytes"
	"encoding/json"
	"iter"
	"net/url"
	"strconv"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/view"
	"logctl/store/view/js"
	"logctl/store/viewopts"
)

func getList(x *exchange) error { return x.list(nil, json.RawMessage(`"undefined"`)) }

func postList(x *exchange) error {
	x.maxBody = int64(x.h.o.MaxDoc)
	b, err := x.readObject()
	if err != nil {
		return err
	}
	defer b.free()
	if err := b.forFunction(); err != nil {
		return err
	}
	return x.list(b.bytes, b.bytes)
}

// list answers _design/{design}/_list/{function}/{view}: the function makes the answer of the view's rows.
func (x *exchange) list(options, body json.RawMessage) error {
	f, _, err := x.renderer("lists")
	if err != nil {
		return err
	}
	q, err := viewopts.Parse(x.queryParams(), options, true)
	if err != nil {
		return err
	}
	if err := x.limitQuery(&q); err != nil {
		return err
	}
	rows, err := x.listRows(&q)
	if err != nil {
		return err
	}
	req, err := x.requestObject(x.query(), body, url.Values{})
	if err != nil {
		return err
	}
	next, stop := iter.Pull2(rows)
	defer stop()
	pull := func() ([]byte, error) {
		row, err, ok := next()
		if !ok {
			return nil, nil
		}
		return row, err
	}
	head, err := pull()
	if err != nil {
		return err
	}
	l := &listAnswer{x: x}
	l.resp.Code = 200
	if err := f.List(head, req, js.ListPeer{Next: pull, Send: l.send}); err != nil {
		return err
	}
	return l.end()
}

// listAnswer is the answer of a list function on its way.
type listAnswer struct {
	x    *exchange
	resp js.Response // what the header will be
	any  bool        // it is the function's
}

// send takes a response object, which counts as long as nothing has gone out, and a piece of the body.
func (l *listAnswer) send(resp, chunk []byte) error {
	if resp != nil && !l.x.sent {
		r, err := js.ParseResponse(resp)
		if err != nil {
			return err
		}
		l.resp, l.any = r, true
	}
	if len(chunk) == 0 {
		return nil
	}
	l.begin()
	_, err := l.x.w.Write(chunk)
	return err
}

func (l *listAnswer) begin() {
	if l.x.sent {
		return
	}
	if l.any {
		l.x.setHeader(l.resp)
	}
	l.x.sent = true
	l.x.w.WriteHeader(l.resp.Code)
}

func (l *listAnswer) end() error {
	l.begin()
	return nil
}

// errStopList ends a query whose list function wants no more rows.
var errStopList = store.NewError(store.KindInternal, "the list function has ended")

// listRows gives the head of the list and then the rows of the query, each as a JSON object.
func (x *exchange) listRows(q *store.ViewQuery) (iter.Seq2[[]byte, error], error) {
	var query func(head, row func(s *stream) error) error
	if name := x.name("view"); name == "_all_docs" {
		query = func(head, row func(s *stream) error) error { return x.listAllDocs(q, head, row) }
	} else {
		other := x.name("other")
		if other == "" {
			other = x.name("design")
		}
		p, err := x.design(designPrefix + other)
		if err != nil {
			return nil, err
		}
		query = func(head, row func(s *stream) error) error { return x.listView(p.design, q, head, row) }
	}
	return func(yield func([]byte, error) bool) {
		give := func(s *stream) error {
			row := bytes.Clone(s.buf)
			s.buf = s.buf[:0]
			if !yield(row, nil) {
				return errStopList
			}
			return nil
		}
		if err := query(give, give); err != nil && err != errStopList {
			yield(nil, err)
		}
	}, nil
}

// listView gives the head and the rows of a view.
func (x *exchange) listView(d *view.Design, q *store.ViewQuery, head, row func(s *stream) error) error {
	s := x.stream()
	defer s.free()
	first := func(m view.Meta) error {
		s.buf = append(s.buf, '{')
		if !m.Reduced {
			s.buf = strconv.AppendInt(append(s.buf, `"total_rows":`...), int64(m.TotalRows), 10)
			if m.HasOffset {
				s.buf = strconv.AppendInt(append(s.buf, `,"offset":`...), int64(m.Offset), 10)
			}
		}
		if q.UpdateSeq {
			if !m.Reduced {
				s.buf = append(s.buf, ',')
			}
			s.buf = appendSeq(append(s.buf, `"update_seq":`...), x.db, m.UpdateSeq)
		}
		s.buf = append(s.buf, '}')
		return head(s)
	}
	return x.h.o.Views.Query(x.ctx(), viewDB{x.db}, d, x.name("view"), *q, first, func(r store.Row) error {
		if err := x.appendViewRow(s, &r, q); err != nil {
			return err
		}
		return row(s)
	})
}

// listAllDocs gives the head and the rows of all docs.
func (x *exchange) listAllDocs(q *store.ViewQuery, head, row func(s *stream) error) error {
	total, err := x.countDocs(listing{})
	if err != nil {
		return err
	}
	s := x.stream()
	defer s.free()
	r := idRange(q)
	offset := total
	if q.Keys == nil {
		if offset, err = x.offsetOf(listing{}, r, q, total); err != nil {
			return err
		}
	}
	s.buf = strconv.AppendInt(append(s.buf, `{"total_rows":`...), int64(total), 10)
	s.buf = append(strconv.AppendInt(append(s.buf, `,"offset":`...), int64(offset), 10), '}')
	if err := head(s); err != nil {
		return err
	}
	if q.Keys != nil {
		return x.eachKey(q, func(r *engine.Reader, key json.RawMessage) error {
			if err := x.appendKey(s, r, key, q); err != nil {
				return err
			}
			return row(s)
		})
	}
	if q.Limit == 0 {
		return nil
	}
	return x.eachDoc(r, q, func(doc store.Doc) error {
		if err := x.appendDocRow(s, doc, q); err != nil {
			return err
		}
		return row(s)
	})
}
