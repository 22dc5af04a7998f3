package proxy

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"logctl/store"
)

// Sender stores docs that reach the door in another way than as its visitors' requests.
type Sender struct {
	door *Door
	from *http.Request // whose caller writes; nil: the writer does
}

// Sender stores docs as the writer, with whatever ids they have.
func (d *Door) Sender() Sender { return Sender{door: d} }

// SenderFor stores docs as if the caller of r had posted them to the app: with the caller's credentials and address, by the door's
// rules.
func (d *Door) SenderFor(r *http.Request) Sender { return Sender{d, r} }

// Store stores new docs of one database, each with an ID and a Body in stored form, and returns when they are on disk. A doc that is
// there already is stored. failed is called for each that the store will never take, with its place and the store's reason. After an
// error none may count as stored: of KindNotFound where there is no such database, KindBadRequest or KindTooLarge where something in
// docs is not acceptable, KindUnauthorized or KindForbidden where the caller may not write, others where it is worth to try again.
func (s Sender) Store(ctx context.Context, db store.DBName, docs []store.Doc, failed func(i int, reason string)) error {
	results, err := s.send(ctx, db, docs)
	if err != nil {
		return err
	}
	for i := range results {
		if isStored(&results[i]) {
			continue
		}
		e := asError(results[i].Err)
		if passes(e.ErrorWord()) {
			return &store.Error{Kind: store.KindUnavailable, Word: e.ErrorWord(), Reason: "The store did not take all documents.", Err: e}
		}
		failed(i, e.ErrorWord()+": "+e.Reason)
	}
	return nil
}

func (s Sender) send(ctx context.Context, db store.DBName, docs []store.Doc) ([]store.WriteResult, error) {
	if db == store.TrailDB { // a message may name the app that it is for
		return nil, errNoApp
	}
	if s.from == nil {
		r := &http.Request{Method: http.MethodPost, Host: "localhost", Header: http.Header{}}
		return s.door.store(&visit{r: r.WithContext(ctx), to: target{db: db}}, docsOf(docs))
	}
	c := &captured{header: http.Header{}, limit: maxAnswer + rowAnswer*len(docs)}
	s.door.ServeHTTP(c, s.request(ctx, db, docs))
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.long || c.status == 0 {
		return nil, errUpstream
	}
	if !taken(c.status) {
		return nil, answeredError(c)
	}
	results := make([]store.WriteResult, len(docs))
	if err := readRows(results, docs, c.body); err != nil {
		return nil, errUpstream
	}
	return results, nil
}

func docsOf(list []store.Doc) docs { return docs{list: list} }

// request is that of a caller who posts docs.
func (s Sender) request(ctx context.Context, db store.DBName, list []store.Doc) *http.Request {
	path := dbPath(db, "")
	var body bytes.Buffer
	_, _ = body.ReadFrom(newDocsReader(docsOf(list))) // it has no errors
	array := bytes.TrimSuffix(bytes.TrimPrefix(body.Bytes(), []byte(strings.TrimSuffix(bulkOpen, "["))), []byte(strings.TrimPrefix(bulkClose, "]")))
	r := &http.Request{
		Method: http.MethodPost, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		URL: &url.URL{Path: "/" + string(db), RawPath: path}, RequestURI: path,
		Host: s.from.Host, RemoteAddr: s.from.RemoteAddr, TLS: s.from.TLS, Header: s.from.Header.Clone(),
		Body: io.NopCloser(bytes.NewReader(array)), ContentLength: int64(len(array)),
	}
	for _, name := range [...]string{"Content-Encoding", "Content-Length", "Expect"} {
		r.Header.Del(name)
	}
	r.Header["Accept"], r.Header["Content-Type"] = []string{"application/json"}, []string{"application/json"}
	return r.WithContext(ctx)
}

// passes tells whether the error of one doc is the store's and not the doc's.
func passes(word string) bool {
	switch word {
	case "internal_server_error", "unknown_error", "timeout", "service_unavailable", "too_many_requests", "insufficient_storage",
		"nodedown", "no_majority", "error":
		return true
	}
	return false
}
