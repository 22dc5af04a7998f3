package proxy

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/proxy/token"
	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/intake"
)

// bearer is the app token of a request, "" if it has none. Other bearers are for a CouchDB that knows them.
func bearer(h http.Header) string {
	values := h["Authorization"]
	if len(values) != 1 {
		return ""
	}
	scheme, text, _ := strings.Cut(strings.TrimSpace(values[0]), " ")
	if text = strings.TrimSpace(text); !strings.EqualFold(scheme, "Bearer") || !token.Is(text) {
		return ""
	}
	return text
}

// errToken is the one answer to every token that is none, or none any more.
var errToken = store.NewError(store.KindUnauthorized, "The token is not valid.")

// byToken finds out what a token lets its holder do. The store is asked each time: a token that is revoked is so at once.
func (d *Door) byToken(v *visit, text string) (caller, error) {
	id, ok := token.ID(text)
	if !ok {
		return caller{}, errToken
	}
	path := dbPath(token.DB, "/"+token.DocPrefix+id)
	c, err := d.ask(d.o.AsWriter(v.inner(http.MethodGet, path, nil)), usualRecord, token.MaxRecord)
	switch {
	case err != nil:
		return caller{}, err
	case c.status == http.StatusNotFound:
		return caller{}, errToken
	case c.status != http.StatusOK:
		d.warn(v.r.Context(), "store does not show the door its tokens", "status", c.status)
		return caller{}, errUpstream
	}
	r, err := token.Decode(id, c.body)
	if err != nil {
		d.warn(v.r.Context(), "token can't be read", "err", err)
		return caller{}, errUpstream
	}
	if !r.Admits(text, time.Now()) {
		return caller{}, errToken
	}
	return caller{name: "token:" + id, grant: &grant{apps: r.Apps, read: r.Allows(token.Read), write: r.Allows(token.Write)}}, nil
}

const usualRecord = 512 // bytes that a token's document mostly has

// byCertificate finds out what the client certificate of a connection, which has been verified, lets its holder do.
func (d *Door) byCertificate(r *http.Request) (caller, error) {
	if d.o.Clients == nil || r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return caller{}, nil
	}
	g, ok, err := d.o.Clients.Find(r.TLS.VerifiedChains[0], time.Now())
	if err != nil || !ok {
		return caller{}, err
	}
	return caller{name: "certificate:" + g.Name, grant: &grant{apps: g.Apps, tenant: g.Tenant, read: g.Read, write: g.Write}}, nil
}

// self answers GET /_session to a holder, whom the store does not know.
func (d *Door) self(v *visit) error {
	answer := store.AppendJSONString([]byte(`{"ok":true,"userCtx":{"name":`), v.caller.name)
	v.send(http.StatusOK, append(answer, `,"roles":[]},"info":{"authentication_handlers":["cookie","default"],"authenticated":"door"}}`+"\n"...))
	return nil
}

// maxAsk is what a holder's question may have, in bytes: a list of many keys.
const maxAsk = 8 << 20

// askHeaders are those of a holder's request that the store gets.
var askHeaders = [...]string{"Accept", "Accept-Encoding", "If-None-Match", "Last-Event-Id", "Range"}

// read asks the store, as the writer, what the holder wants to know. The request is one of the door's own: the path, the query and the
// body are written anew from what was understood.
func (d *Door) read(v *visit) error {
	if v.to.db == "" {
		return errNoApp
	}
	var query string
	if v.r.URL.RawQuery != "" {
		var ok bool
		if query, ok = plainQuery(v.rule.query, v.r.URL.RawQuery); !ok {
			return v.refusal()
		}
	}
	r := v.inner(v.r.Method, v.to.path(), nil)
	if r.URL.RawQuery = query; query != "" {
		r.RequestURI += "?" + query
	}
	for _, name := range askHeaders {
		if values, ok := v.r.Header[name]; ok {
			r.Header[name] = values
		}
	}
	if v.rule.body == askBody {
		l := d.budget.Lease(v.payer)
		defer l.Free()
		body, err := d.question(v, &l)
		if err != nil {
			return err
		}
		r.Header["Content-Type"] = []string{"application/json"}
		r.Body, r.ContentLength = readCloser{bytes.NewReader(body), http.NoBody}, int64(len(body))
	}
	d.counters.Passed.Add(1)
	ctx, stop := d.watch(v)
	defer stop()
	r = r.WithContext(ctx)
	d.o.Upstream.ServeHTTP(&fileWriter{ResponseWriter: v.w, v: v, header: http.Header{}}, d.o.AsWriter(r))
	return nil
}

// plainQuery is a query written anew. Filters of design documents see the whole request, so that only CouchDB's own may be named.
func plainQuery(q queryRule, raw string) (string, bool) {
	list, ok := q.read(raw)
	if !ok {
		return "", false
	}
	var b strings.Builder
	for i, p := range list {
		switch {
		case p.name == "filter" && !builtinFilter(p.value):
			return "", false
		case i > 0:
			b.WriteByte('&')
		}
		b.WriteString(p.name + "=" + url.QueryEscape(p.value))
	}
	return b.String(), true
}

func builtinFilter(name string) bool {
	return name == "_doc_ids" || name == "_selector" || name == "_design" || name == "_view"
}

// question is the JSON that a holder sends, in stored form.
func (d *Door) question(v *visit, l *lease) ([]byte, error) {
	if form, err := formOf(v.r); err != nil || form != asJSON {
		return nil, store.NewError(store.KindBadContentType, "Content-Type must be application/json")
	}
	body, err := v.readBody(v.body(), l, min(maxAsk, d.o.Limits.Body))
	if err != nil {
		return nil, err
	}
	defer intake.Free(body)
	if err := l.Need(3 * int64(len(*body))); err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(*body)) == 0 {
		return nil, nil
	}
	return ejson.Compact(make([]byte, 0, len(*body)), *body)
}

// path is a target's path, written anew.
func (t *target) path() string {
	var b strings.Builder
	b.WriteString(dbPath(t.db, ""))
	for _, part := range t.parts[1:] {
		b.WriteString("/" + strings.ReplaceAll(url.PathEscape(part), "+", "%2B"))
	}
	return b.String()
}
