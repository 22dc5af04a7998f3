package couch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/go-kivik/kivik/v4/couchdb/chttp"

	"logctl/store"
)

// Databases are the names of all databases, sorted as the server sorts them. It takes a server admin.
func (c *Client) Databases(ctx context.Context) ([]store.DBName, error) {
	names, err := c.kivik.AllDBs(ctx)
	if err != nil {
		return nil, c.fail(err)
	}
	all := make([]store.DBName, len(names))
	for i, n := range names {
		all[i] = store.DBName(n)
	}
	return all, nil
}

// CreateDatabase makes a database; KindFileExists if there is one of that name.
func (c *Client) CreateDatabase(ctx context.Context, db store.DBName) error {
	return c.fail(c.kivik.CreateDB(ctx, string(db)))
}

// DropDatabase deletes a database with all that is in it; KindNotFound if there is none.
func (c *Client) DropDatabase(ctx context.Context, db store.DBName) error {
	return c.fail(c.kivik.DestroyDB(ctx, string(db)))
}

// Info is what a database says about itself. Sizes are in bytes.
type Info struct {
	Docs, Deleted int64
	Disk, Active  int64
	UpdateSeq     string
}

// Info asks a database about itself.
func (c *Client) Info(ctx context.Context, db store.DBName) (Info, error) {
	s, err := c.kivik.DB(string(db)).Stats(ctx)
	if err != nil {
		return Info{}, c.fail(err)
	}
	return Info{Docs: s.DocCount, Deleted: s.DeletedCount, Disk: s.DiskSize, Active: s.ActiveSize, UpdateSeq: s.UpdateSeq}, nil
}

// Security is a database's _security object as it is kept.
func (c *Client) Security(ctx context.Context, db store.DBName) (json.RawMessage, error) {
	var raw json.RawMessage
	if err := c.http.DoJSON(ctx, http.MethodGet, securityPath(db), nil, &raw); err != nil {
		return nil, c.fail(err)
	}
	return raw, nil
}

// SetSecurity replaces a database's _security object.
func (c *Client) SetSecurity(ctx context.Context, db store.DBName, object json.RawMessage) error {
	_, err := c.http.DoError(ctx, http.MethodPut, securityPath(db), &chttp.Options{GetBody: chttp.BodyEncoder([]byte(object))})
	return c.fail(err)
}

func securityPath(db store.DBName) string { return "/" + url.PathEscape(string(db)) + "/_security" }
