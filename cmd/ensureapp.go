package cmd

import (
	"context"

	"logctl/designdocs"
	"logctl/internal/app"
	"logctl/store"
	"logctl/store/couch"
)

// ensureApp makes an app's database with our design documents, or completes what an earlier call left unfinished.
func ensureApp(ctx context.Context, conn *app.Conn, name string) error {
	db, err := store.AppDB(name)
	if err != nil {
		return err
	}
	client, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		return err
	}
	if err := client.CreateDatabase(ctx, db); err != nil && !store.IsKind(err, store.KindFileExists) {
		return err
	}
	docs, err := designdocs.Own()
	if err != nil {
		return err
	}
	_, err = designdocs.Install(ctx, client, db, docs)
	return err
}
