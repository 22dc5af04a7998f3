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
// attachments. One that has been replaced and compacted away meanwhile is left out: what replaced it is a later change.
func (p *Peer) fetch(ctx context.Context, list []wanted, fn func(w wanted, doc []byte) error) error {
	type ref struct {
		ID  string `json:"id"`
		Rev string `json:"rev"`
	}
	refs := make([]ref, len(list))
	byRev := make(map[ref]wanted, len(list))
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
	return p.each(json.NewDecoder(res.Body), "results", func(d *json.Decoder) error {
		var r result
		if err := d.Decode(&r); err != nil {
			return p.broken(err)
		}
		for _, one := range r.Docs {
			if one.OK == nil {
				if one.Error != nil && one.Error.Error != "not_found" {
					return fmt.Errorf("read %s of %s: %s: %s", r.ID, p, one.Error.Error, one.Error.Reason)
				}
				continue
			}
			rev, err := revOf(one.OK)
			if err != nil {
				return p.broken(err)
			}
			if err := fn(byRev[ref{r.ID, rev}], one.OK); err != nil {
				return err
			}
		}
		return nil
	})
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
