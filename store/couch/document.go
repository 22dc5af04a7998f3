package couch

import (
	"context"
	"encoding/json"
	"fmt"

	"logctl/store"
)

// Get reads a doc, _id and _rev included; KindNotFound with the reason "missing" or "deleted" if there is none.
func (c *Client) Get(ctx context.Context, db store.DBName, id string) (json.RawMessage, error) {
	var raw json.RawMessage
	if err := c.kivik.DB(string(db)).Get(ctx, id).ScanDoc(&raw); err != nil {
		return nil, c.fail(err)
	}
	return raw, nil
}

// Put writes a doc, which holds the _rev that it replaces if there is one, and gives the new revision. KindConflict if another
// one stands there.
func (c *Client) Put(ctx context.Context, db store.DBName, id string, doc json.RawMessage) (store.Rev, error) {
	rev, err := c.kivik.DB(string(db)).Put(ctx, id, doc)
	if err != nil {
		return store.Rev{}, c.fail(err)
	}
	return c.rev(rev)
}

// Delete deletes the revision rev of a doc.
func (c *Client) Delete(ctx context.Context, db store.DBName, id string, rev store.Rev) error {
	_, err := c.kivik.DB(string(db)).Delete(ctx, id, rev.String())
	return c.fail(err)
}

func (c *Client) rev(s string) (store.Rev, error) {
	rev, err := store.ParseRev(s)
	if err != nil {
		return store.Rev{}, fmt.Errorf("%s answers with the revision %q: %w", c.where, s, err)
	}
	return rev, nil
}
