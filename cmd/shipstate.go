package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"logctl/internal/app"
	"logctl/ship"
	"logctl/store"
)

// again is why positions are forgotten.
const again = "--again says so"

// remember says where a run remembers how far it is: in a directory of the app's, the server's and of what the docs look like, since
// with a schema changed the lines that are there make other docs.
func (o *shipOptions) remember(ctx context.Context, conn *app.Conn, machine string, so *ship.Options) error {
	dir := o.state
	if dir == "" {
		dir = filepath.Join(conn.Config.Data, "ship")
	}
	looks := *o
	looks.geoip.files = nil // they are no part of a doc's id
	sum := sha256.Sum256([]byte(strings.Join(append(slices.Concat(looks.formatFlags.args(), o.container.args(), o.source.args()), conn.Config.URL, machine), "\x00")))
	so.State = filepath.Join(dir, o.app, fmt.Sprintf("%x", sum[:6]))
	so.Server = conn.Config.URL
	if o.again {
		so.StateAnew = again
	}
	if conn.Anonymous {
		return nil // a stranger is not told whether the database is the one that it was
	}
	db, err := store.AppDB(o.app)
	if err != nil {
		return err
	}
	born, missing := databaseBorn(ctx, conn, db)
	so.StateAbout = born
	if missing && so.StateAnew == "" {
		so.StateAnew = "there is no app " + o.app + " any more"
	}
	return nil
}

// databaseBorn is when a database was made, "" if the server does not tell. missing tells that there is none.
func databaseBorn(ctx context.Context, conn *app.Conn, db store.DBName) (born string, missing bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, conn.BaseURL+"/"+strings.ReplaceAll(string(db), "/", "%2F"), nil)
	if err != nil {
		return "", false
	}
	res, err := (&http.Client{Transport: conn.Transport}).Do(r)
	if err != nil {
		return "", false // it is away; sending tells what there is to tell
	}
	defer res.Body.Close()
	var said struct {
		Error string `json:"error"`
		Born  string `json:"instance_start_time"`
	}
	if json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&said) != nil {
		return "", false
	}
	switch {
	case res.StatusCode == http.StatusNotFound && said.Error == "not_found":
		return "", true
	case res.StatusCode != http.StatusOK || said.Born == "0":
		return "", false
	}
	return said.Born, false
}
