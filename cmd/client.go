package cmd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"logctl/internal/app"
	"logctl/store"
	"logctl/store/couch"
)

// client is a client of the store that the settings name.
type client struct {
	*couch.Client
	conn *app.Conn
}

func (c *client) Close() error { return c.conn.Close() }

// client opens the way to the store; the caller closes it. A person who waits for a view to be built is told so once.
func (g *globals) client(ctx context.Context, std streams) (*client, error) {
	conn, err := g.connect(ctx, noter(std.err))
	if err != nil {
		return nil, err
	}
	tell := sync.OnceFunc(func() { fmt.Fprintln(std.err, "logctl: the server is still building this view, waiting") })
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport, Waiting: tell})
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &client{Client: c, conn: conn}, nil
}

// explain adds to an error about an app what a person may do next, where we know.
func (c *client) explain(err error, app string) error {
	var e *store.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	switch {
	case e.Kind == store.KindUnauthorized && c.conn.Token:
		return hinted(err, "the token of LOGCTL_TOKEN_FILE (--token-file) is revoked, too old, or of another server: logctl token list, as an admin")
	case e.Kind == store.KindForbidden && c.conn.Token:
		return hinted(err, "an admin makes a token that may read: logctl token create --app APP --read")
	case e.Kind == store.KindUnauthorized && c.conn.Anonymous:
		return hinted(err, "sign in: LOGCTL_USER=NAME LOGCTL_PASSWORD_FILE=FILE, or --user NAME --password-file FILE")
	case e.Kind == store.KindUnauthorized && e.Reason == "You are not a server admin.":
		return hinted(err, "that is for an admin: LOGCTL_USER=admin, with the server's DATA/admin.password in LOGCTL_PASSWORD_FILE, or on the server itself")
	case e.Kind == store.KindUnauthorized:
		return hinted(err, "check LOGCTL_USER (--user) and the first line of LOGCTL_PASSWORD_FILE (--password-file)")
	case e.Kind == store.KindForbidden && app != "":
		return hinted(err, "an admin may let an account read it, or change it: logctl user add NAME --reader "+app+", or --analyst "+app)
	case e.Kind == store.KindUnavailable && e.Word == "" && !c.conn.InProcess:
		return hinted(err, "is the server up? LOGCTL_URL or --url says where it is")
	case e.Kind == store.KindNotFound && e.Reason == "Database does not exist." && strings.HasPrefix(app, "log_"):
		return hinted(fmt.Errorf("there is no app %s: %w", app, err), "log_ is for the names of databases: the app of "+app+" is called "+strings.TrimPrefix(app, "log_"))
	case e.Kind == store.KindNotFound && e.Reason == "Database does not exist." && app != "":
		return hinted(fmt.Errorf("there is no app %s: %w", app, err), "logctl ship --app "+app+" ... stores lines and makes it; logctl app list shows what there is")
	case e.Kind == store.KindNotFound && (e.Reason == "missing" || e.Reason == "deleted" || e.Reason == "missing_named_view") && app != "":
		return hinted(fmt.Errorf("there is no such view: %w", err), "logctl design list "+app+" shows the views there are; logctl design push "+app+" installs those of the reports")
	}
	return err
}
