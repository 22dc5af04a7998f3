package cmd

import (
	"context"

	"logctl/internal/app"
	"logctl/store/couch"
)

// ensureApp makes all that an app needs, or completes what an earlier call left unfinished.
func ensureApp(ctx context.Context, conn *app.Conn, name string) error {
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		return err
	}
	_, err = createApp(ctx, c, name, "")
	return err
}
