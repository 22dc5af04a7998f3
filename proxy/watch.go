package proxy

import (
	"context"
	"net/http"
	"strings"
	"time"

	"logctl/store"
)

// watchTime is how often it is looked whether somebody who is reading still may.
const watchTime = 5 * time.Second

// watch gives the context of an answer that may take for ever, such as a feed. It ends when the visit's caller may not ask for it any
// more, or when nobody can tell. stop ends it, too, and has to be called.
func (d *Door) watch(v *visit) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(v.r.Context())
	ended := make(chan struct{})
	now := *v
	now.r = v.r.WithContext(ctx)
	go func() {
		defer close(ended)
		tick := time.NewTicker(watchTime)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !d.stillMay(&now) {
				cancel()
				return
			}
		}
	}()
	return ctx, func() {
		cancel()
		<-ended
	}
}

// isWatched tells the requests whose answers are watched. A cookie's own end, after ten minutes, has never ended a feed of
// CouchDB's that was begun with it, and nobody can tell that end from others.
func isWatched(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if !strings.Contains(r.URL.Path, "_changes") {
			return false
		}
	default:
		return false
	}
	_, inProcess := store.CallerFrom(r.Context())
	return !inProcess && (r.Header.Get("Authorization") != "" || !hasCredentials(r))
}

// stillMay tells whether a visit's caller is still who it was when the answer began, with the same rights to what it is about.
func (d *Door) stillMay(v *visit) bool {
	var c caller
	var err error
	if text := bearer(v.r.Header); text != "" {
		c, err = d.byToken(v, text)
	} else if !hasCredentials(v.r) {
		c, err = d.byCertificate(v.r)
	} else {
		c, err = d.session(v)
	}
	return err == nil && c.name == v.caller.name && d.standing(&c, &v.to) == v.who
}

// session asks the store whose a visit's credentials are now.
func (d *Door) session(v *visit) (caller, error) {
	c, err := d.ask(d.whoami(v), usualSmall, maxSession)
	if err != nil || c.status != http.StatusOK {
		return caller{}, err
	}
	return readSession(c.body)
}
