package replicate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"logctl/store"
	"logctl/store/ejson"
)

// fetchBatch is how many revisions are asked for at once.
const fetchBatch = 500

// wanted is a revision to copy.
type wanted struct {
	id, rev   string
	ancestors []string // revisions that the target has and that may have led to it
}

// fetch reads revisions from the source and calls fn with each that is still there, with its history and stubs of its
// attachments. One that has been replaced and compacted away meanwhile is left out: what replaced it is a later change. The source
// must say so of each; see confirmGone.
func (p *Peer) fetch(ctx context.Context, list []wanted, fn func(w wanted, doc []byte) error) error {
	type ref struct {
		ID  string `json:"id"`
		Rev string `json:"rev"`
	}
	refs := make([]ref, len(list))
	byRev := make(map[ref]wanted, len(list))
	told := make(map[ref]bool, len(list))
	for i, w := range list {
		refs[i] = ref{w.id, w.rev}
		byRev[refs[i]] = w
	}
	res, err := p.do(ctx, request{method: http.MethodPost, path: "_bulk_get", query: url.Values{"revs": {"true"}},
		body: jsonBody(map[string][]ref{"docs": refs})})
	if store.IsKind(err, store.KindNotFound) || store.IsKind(err, store.KindMethodNotAllowed) || store.IsKind(err, store.KindNotImplemented) {
		return p.fetchEach(ctx, list, fn)
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	type result struct {
		ID   string `json:"id"`
		Docs []struct {
			OK    json.RawMessage `json:"ok"`
			Error *struct{ Rev, Error, Reason string }
		} `json:"docs"`
	}
	err = p.each(json.NewDecoder(res.Body), "results", func(d *json.Decoder) error {
		var r result
		if err := d.Decode(&r); err != nil {
			return p.broken(err)
		}
		for _, one := range r.Docs {
			if one.OK == nil {
				if one.Error != nil && one.Error.Error != "not_found" {
					return fmt.Errorf("read %s of %s: %s: %s", r.ID, p, one.Error.Error, one.Error.Reason)
				}
				if one.Error != nil {
					told[ref{r.ID, one.Error.Rev}] = true
				}
				continue
			}
			rev, err := revOf(one.OK)
			if err != nil {
				return p.broken(err)
			}
			w, wanted := byRev[ref{r.ID, rev}]
			if !wanted {
				return p.broken(fmt.Errorf("revision %s of %s, which nobody asked for", rev, r.ID))
			}
			told[ref{r.ID, rev}] = true
			if err := fn(w, one.OK); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, at := range refs {
		if !told[at] {
			if err := p.confirmGone(ctx, byRev[at]); err != nil {
				return err
			}
		}
	}
	return nil
}

// confirmGone asks for a revision that did not come in a way in which the source has to say that it is missing. A status 404 says little:
// a proxy may send it, or a server whose database is gone, and a revision that is passed over is never asked for again. The
// error says why the revision is not known to be gone.
func (p *Peer) confirmGone(ctx context.Context, w wanted) error {
	asked, err := json.Marshal([]string{w.rev})
	if err != nil {
		return err
	}
	var rows []struct {
		Missing string `json:"missing"`
	}
	err = p.call(ctx, request{method: http.MethodGet, path: docPath(w.id), query: url.Values{"open_revs": {string(asked)}}}, &rows)
	switch {
	case store.IsKind(err, store.KindNotFound):
		return &PeerError{p, false, err}
	case err != nil:
		return err
	case len(rows) != 1 || rows[0].Missing != w.rev:
		return &store.Error{Kind: store.KindUnavailable, Reason: p.String() + " does not give a revision that it has",
			Err: fmt.Errorf("%s of %s", w.rev, w.id)}
	}
	return nil
}

// each calls fn for each element of the array that is the member name of an object, with the decoder before it.
func (p *Peer) each(d *json.Decoder, name string, fn func(*json.Decoder) error) error {
	for {
		t, err := d.Token()
		if err != nil {
			return p.broken(err)
		}
		if key, ok := t.(string); ok && key == name {
			break
		}
	}
	if _, err := d.Token(); err != nil { // the bracket
		return p.broken(err)
	}
	for d.More() {
		if err := fn(d); err != nil {
			return err
		}
	}
	// The rest says whether the answer came whole.
	for depth := 2; depth > 0; {
		t, err := d.Token()
		if err != nil {
			return p.broken(err)
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

// fetchEach reads revisions one by one, of a source that knows no _bulk_get.
func (p *Peer) fetchEach(ctx context.Context, list []wanted, fn func(w wanted, doc []byte) error) error {
	for _, w := range list {
		var doc json.RawMessage
		err := p.call(ctx, request{method: http.MethodGet, path: docPath(w.id), query: url.Values{"rev": {w.rev}, "revs": {"true"}}}, &doc)
		if store.IsKind(err, store.KindNotFound) {
			if err := p.confirmGone(ctx, w); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := fn(w, doc); err != nil {
			return err
		}
	}
	return nil
}

// revOf is the revision of a doc.
func revOf(doc []byte) (string, error) {
	var rev string
	err := ejson.Members(doc, func(key, value []byte) error {
		if string(key) == "_rev" {
			return json.Unmarshal(value, &rev)
		}
		return nil
	})
	return rev, err
}

// hasAttachments tells whether a doc has any.
func hasAttachments(doc []byte) bool {
	if !bytes.Contains(doc, []byte(`"_attachments"`)) {
		return false
	}
	found := false
	err := ejson.Members(doc, func(key, value []byte) error {
		found = found || string(key) == "_attachments" && string(value) != "{}"
		return nil
	})
	return found || err != nil
}
