package couch

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"logctl/store"
)

// minRetry and maxRetry bound the wait before a view that is still being built is asked again. CouchDB itself waits 60 s
// before it gives up, so the bounds only matter for a server that gives up at once.
const minRetry, maxRetry = time.Second, 15 * time.Second

// View asks a view (of _design/ddoc) for rows and gives them as they arrive. An error is the last pair. A view that takes
// longer to build than the server waits (500 timeout) is asked again until ctx ends. A row's bytes hold until the next row.
func (c *Client) View(ctx context.Context, db store.DBName, ddoc, view string, q store.ViewQuery) iter.Seq2[store.Row, error] {
	ddoc = strings.TrimPrefix(ddoc, "_design/")
	return c.rows(ctx, "/"+url.PathEscape(string(db))+"/_design/"+chttp.EncodeDocID(ddoc)+"/_view/"+chttp.EncodeDocID(view), q)
}

// AllDocs asks for the database's docs by id; keys are JSON strings, values {"rev":"…"}.
func (c *Client) AllDocs(ctx context.Context, db store.DBName, q store.ViewQuery) iter.Seq2[store.Row, error] {
	return c.rows(ctx, "/"+url.PathEscape(string(db))+"/_all_docs", q)
}

func (c *Client) rows(ctx context.Context, path string, q store.ViewQuery) iter.Seq2[store.Row, error] {
	method, opts := http.MethodGet, &chttp.Options{Query: params(q)}
	if q.Keys != nil {
		method = http.MethodPost
		reading(opts, map[string]any{"keys": q.Keys})
	}
	return c.answer(ctx, method, path, opts, readRows)
}

// Queries asks a view several queries, which have no Keys, in one request and gives the rows of all, those of the first one first.
func (c *Client) Queries(ctx context.Context, db store.DBName, ddoc, view string, list []store.ViewQuery) iter.Seq2[store.Row, error] {
	ddoc = strings.TrimPrefix(ddoc, "_design/")
	path := "/" + url.PathEscape(string(db)) + "/_design/" + chttp.EncodeDocID(ddoc) + "/_view/" + chttp.EncodeDocID(view) + "/queries"
	queries := make([]map[string]any, len(list))
	for i, q := range list {
		queries[i] = map[string]any{}
		for name, values := range params(q) {
			queries[i][name] = values[0]
			if json.Valid([]byte(values[0])) && !strings.HasSuffix(name, "_docid") && name != "update" {
				queries[i][name] = json.RawMessage(values[0])
			}
		}
	}
	opts := &chttp.Options{}
	reading(opts, map[string]any{"queries": queries})
	return c.answer(ctx, http.MethodPost, path, opts, readResults)
}

// reading makes options of a POST that only reads: it may be sent again.
func reading(opts *chttp.Options, body any) {
	opts.GetBody = chttp.BodyEncoder(body)
	opts.Header = http.Header{chttp.HeaderIdempotencyKey: nil}
}

// answer sends a request when its rows are asked for.
func (c *Client) answer(ctx context.Context, method, path string, opts *chttp.Options,
	read func(io.Reader, func(*store.Row) bool) error) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		resp, err := c.ask(ctx, method, path, opts)
		if err != nil {
			yield(store.Row{}, err)
			return
		}
		defer resp.Body.Close()
		if err := read(resp.Body, func(r *store.Row) bool { return yield(*r, nil) }); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err() // the reader only tells that the connection was closed
			}
			yield(store.Row{}, c.broken(err))
		}
	}
}

// ask sends a request, again while the view is being built, and gives an answer below 400.
func (c *Client) ask(ctx context.Context, method, path string, opts *chttp.Options) (*http.Response, error) {
	for wait := minRetry; ; wait = min(2*wait, maxRetry) {
		resp, err := c.http.DoReq(ctx, method, path, opts)
		if err == nil {
			err = chttp.ResponseError(resp)
		}
		if err = c.fail(err); err == nil {
			return resp, nil
		}
		if !store.IsKind(err, store.KindTimeout) {
			return nil, err
		}
		if c.waiting != nil {
			c.waiting()
		}
		if err := c.pause(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// params are the query parameters of q, but for keys. What is CouchDB's default is left out.
func params(q store.ViewQuery) url.Values {
	v := url.Values{}
	set := func(name, value string, given bool) {
		if given {
			v.Set(name, value)
		}
	}
	set("startkey", string(q.StartKey), q.StartKey != nil)
	set("endkey", string(q.EndKey), q.EndKey != nil)
	set("startkey_docid", q.StartDocID, q.StartDocID != "")
	set("endkey_docid", q.EndDocID, q.EndDocID != "")
	set("descending", "true", q.Descending)
	set("inclusive_end", "false", q.ExclusiveEnd)
	set("skip", strconv.Itoa(q.Skip), q.Skip > 0)
	set("limit", strconv.Itoa(q.Limit), q.Limit >= 0)
	set("reduce", "false", q.NoReduce)
	set("reduce", "true", q.Reduce)
	set("group", "true", q.Group)
	set("group_level", strconv.Itoa(q.GroupLevel), q.GroupLevelGiven || q.GroupLevel > 0)
	set("include_docs", "true", q.IncludeDocs)
	set("conflicts", "true", q.Conflicts)
	set("update_seq", "true", q.UpdateSeq)
	set("sorted", "false", q.Unsorted)
	switch q.Update {
	case store.UpdateFalse:
		v.Set("update", "false")
	case store.UpdateLazy:
		v.Set("update", "lazy")
	}
	return v
}
