package proxy

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/store"
)

const (
	watchTime   = 5 * time.Second // how often it is looked whether somebody who is reading still may
	answerIn    = time.Minute     // in which the store has to say so
	maxSecurity = 1 << 20         // bytes that a database's _security may take
)

// watch gives the context of an answer that may take for ever, such as a feed. It ends when the visit's caller may not ask for it any
// more, or when nobody can tell. stop ends it, too, and has to be called.
func (d *Door) watch(v *visit) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancel(v.r.Context())
	ended := make(chan struct{})
	now := *v
	now.r = v.r.WithContext(ctx)
	now.r.Header = v.r.Header.Clone()
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
			in, done := context.WithTimeout(ctx, answerIn)
			now.r = now.r.WithContext(in)
			may := d.stillMay(&now)
			if done(); !may {
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

// isWatched tells the requests whose answers are watched.
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
	return !inProcess
}

// stillMay tells whether a visit's caller is still who it was when the answer began, with the same rights to what it is about. The visit
// is the watch's own: a session cookie in it, which would come to its end before a feed does, is replaced by what the store renews it to.
func (d *Door) stillMay(v *visit) bool {
	if _, inProcess := store.CallerFrom(v.r.Context()); inProcess {
		return true
	}
	var c caller
	var err error
	if text := bearer(v.r.Header); text != "" {
		c, err = d.byToken(v, text)
	} else if !hasCredentials(v.r) {
		c, err = d.byCertificate(v.r)
	} else {
		var renewed http.Header
		if c, renewed, err = d.session(v); len(renewed["Set-Cookie"]) > 0 {
			v.takeCookie(renewed)
		}
	}
	return err == nil && c.name == v.caller.name && d.standing(&c, &v.to) == v.who && d.stillMember(v)
}

// takeCookie puts the session cookie of an answer's header into the visit's request.
func (v *visit) takeCookie(answer http.Header) {
	for _, c := range (&http.Response{Header: answer}).Cookies() {
		if c.Name == sessionCookie && c.Value != "" {
			v.r.Header["Cookie"] = []string{c.Name + "=" + c.Value}
		}
	}
}

// stillMember tells whether the store lets the account of a visit into the database that the answer is about: its _security, which says
// that, can change. What is about no database needs no leave.
func (d *Door) stillMember(v *visit) bool {
	db := deedParts(v)[0]
	if v.who&(account|reader|analyst) == 0 || db == "" || db[0] == '_' {
		return true
	}
	r := v.inner(http.MethodGet, dbPath(store.DBName(url.PathEscape(db)), "/_security"), nil)
	v.sign(r)
	c, err := d.ask(r, usualSmall, maxSecurity)
	return err == nil && c.status == http.StatusOK
}

// session asks the store whose a visit's credentials are now, and gives the header of its answer, too.
func (d *Door) session(v *visit) (caller, http.Header, error) {
	answer, err := d.ask(d.whoami(v), usualSmall, maxSession)
	if err != nil || answer.status != http.StatusOK {
		return caller{}, nil, err
	}
	c, err := readSession(answer.body)
	return c, answer.header, err
}
