package proxy

import (
	"net/http"
	"strings"

	"logctl/store"
)

// A browser adds to what a page makes it send, or a link, the cookie or the password by which the store knows its user. What comes with
// them is what the user wants only if a page of this server has sent it.

var errOtherSite = store.NewError(store.KindForbidden,
	"Pages of other sites change nothing here. If this one is no other, a proxy in between has to leave the header Host as it is.")

// ofThisSite refuses what a page of another site can have a browser post without asking the server first: without a body, or in one of the
// types that forms have. CouchDB does not look at the type where it needs no body, as in POST /db/_view_cleanup.
func (v *visit) ofThisSite() error {
	if v.r.Method != http.MethodPost || !isFormType(v.r.Header) || new(http.CrossOriginProtection).Check(v.r) == nil {
		return nil
	}
	v.hurry()
	return errOtherSite
}

// isFormType tells whether a body's type is none, or one of those that browsers send to other sites as they are.
func isFormType(h http.Header) bool {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case "", formType, "multipart/form-data", "text/plain":
		return true
	}
	return len(h["Content-Type"]) > 1
}

var errBrowserRewrite = store.NewError(store.KindForbidden,
	"A rewrite in an app may do anything with your rights: it takes a name and a password, and no browser.")

// rewrite lets those use rewrites in apps who say so with a name and a password: an analyst may have written what they do, and others may
// open a link that leads there.
func (d *Door) rewrite(v *visit) error {
	if (v.to.isApp || !v.to.plain) && byBrowser(v.r) {
		v.hurry()
		return errBrowserRewrite
	}
	return d.pass(v)
}

// byBrowser tells whether a request may be one that its user has not written.
func byBrowser(r *http.Request) bool {
	c, err := r.Cookie(sessionCookie)
	return err == nil && c.Value != "" || r.Header.Get("Sec-Fetch-Site") != ""
}
