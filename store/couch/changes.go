package couch

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"logctl/store"
)

// LeafDocs gives every leaf revision of every doc of a database, deleted ones and design documents too, as JSON with its _rev and with its
// attachments in it, in the order of the changes feed: what a copy of the database is made of. Docs that change meanwhile come as they
// were or as they are then. An error is the last pair. A doc's bytes are the caller's.
func (c *Client) LeafDocs(ctx context.Context, db store.DBName) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		resp, err := c.changes(ctx, db)
		if err != nil {
			yield(nil, err)
			return
		}
		defer resp.Body.Close()
		s := newScanner(resp.Body)
		var f failureMembers
		complete, stopped := false, false
		err = s.object(func(name []byte) error {
			complete = complete || string(name) == "last_seq"
			if string(name) != "results" {
				return f.member(s, string(name))
			}
			return s.array(func() error {
				raw, err := s.value(nil)
				if err != nil {
					return err
				}
				return c.leaves(ctx, db, raw, func(doc json.RawMessage) error {
					if !yield(doc, nil) {
						stopped = true
						return errStopped
					}
					return nil
				})
			})
		})
		switch {
		case stopped:
			return
		case err == nil && f.word != "":
			err = f.error()
		case err == nil && !complete:
			err = notJSON("last_seq", '}')
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, c.broken(err))
		}
	}
}

func (c *Client) changes(ctx context.Context, db store.DBName) (*http.Response, error) {
	q := url.Values{"include_docs": {"true"}, "attachments": {"true"}, "style": {"all_docs"}}
	resp, err := c.http.DoReq(ctx, http.MethodGet, "/"+url.PathEscape(string(db))+"/_changes", &chttp.Options{Query: q})
	if err == nil {
		err = chttp.ResponseError(resp)
	}
	return resp, c.fail(err)
}

// leaves gives the docs of one entry of the feed: the one in it, or, of a doc with conflicts, all that it has.
func (c *Client) leaves(ctx context.Context, db store.DBName, entry json.RawMessage, fn func(json.RawMessage) error) error {
	var e struct {
		ID      string
		Changes []struct{ Rev string }
		Doc     json.RawMessage
	}
	if err := json.Unmarshal(entry, &e); err != nil {
		return err
	}
	if len(e.Changes) == 1 && len(e.Doc) > 0 && e.Doc[0] == '{' {
		return fn(e.Doc)
	}
	revs := make([]string, len(e.Changes))
	for i, ch := range e.Changes {
		revs[i] = ch.Rev
	}
	list, err := json.Marshal(revs)
	if err != nil {
		return err
	}
	var answer []struct{ OK json.RawMessage }
	q := url.Values{"open_revs": {string(list)}, "attachments": {"true"}}
	path := "/" + url.PathEscape(string(db)) + "/" + chttp.EncodeDocID(e.ID)
	if err := c.http.DoJSON(ctx, http.MethodGet, path, &chttp.Options{Query: q, Accept: "application/json"}, &answer); err != nil {
		return c.fail(err)
	}
	for _, a := range answer {
		if len(a.OK) == 0 {
			continue // gone since
		}
		if err := fn(a.OK); err != nil {
			return err
		}
	}
	return nil
}

// PutLeaves stores revisions as LeafDocs gave them. It is no error that they are there already.
func (c *Client) PutLeaves(ctx context.Context, db store.DBName, docs []json.RawMessage) error {
	var refused []struct{ ID, Error, Reason string }
	body := chttp.BodyEncoder(struct {
		NewEdits bool              `json:"new_edits"`
		Docs     []json.RawMessage `json:"docs"`
	}{false, docs})
	if err := c.http.DoJSON(ctx, http.MethodPost, "/"+url.PathEscape(string(db))+"/_bulk_docs", &chttp.Options{GetBody: body}, &refused); err != nil {
		return c.fail(err)
	}
	for _, r := range refused {
		if r.Error != "" {
			return &store.Error{Kind: kindOf(http.StatusBadRequest, r.Error), Word: r.Error, Reason: r.ID + ": " + r.Reason}
		}
	}
	return nil
}
