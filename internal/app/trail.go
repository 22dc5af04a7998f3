package app

import (
	"context"

	"logctl/designdocs"
	accounts "logctl/internal/admin"
	"logctl/store"
	"logctl/store/couch"
)

// makeTrail makes the database of the audit trail, with the views of reports: failed logins are attacks, too.
func makeTrail(ctx context.Context, conn *Conn) error {
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		return err
	}
	if _, err := accounts.MakeTrail(ctx, c); err != nil {
		return err
	}
	docs, err := designdocs.Own()
	if err != nil {
		return err
	}
	_, err = designdocs.Install(ctx, c, store.TrailDB, docs)
	return err
}
