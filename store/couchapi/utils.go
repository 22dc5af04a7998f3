package couchapi

import (
	"io/fs"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
)

// noFauxton is the page where Fauxton would be.
const noFauxton = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Fauxton is not installed</title></head>
<body style="font-family: sans-serif; max-width: 40em; margin: 3em auto">
<h1>Fauxton is not installed</h1>
<p>Fauxton is CouchDB's web interface. It comes as the npm package <code>fauxton</code> (Apache-2.0), which holds the
built pages. On the machine of this server, as its user:</p>
<pre>npm pack fauxton@1.2.6
logctl fauxton install fauxton-1.2.6.tgz</pre>
<p>and load this page again. The data can be read without it, with <code>logctl report</code>, <code>logctl query</code> or
any client of CouchDB.</p>
</body></html>
`

func (h *Handler) utilsRoutes(rt *mux.Router) {
	for _, path := range []string{"/_utils", "/_utils/{file:.*}"} {
		h.add(rt, path, resource{allow: "GET,HEAD", methods: onGet(utils)})
	}
}

func hasIndex(files fs.FS) bool {
	if files == nil {
		return false
	}
	_, err := fs.Stat(files, "index.html")
	return err == nil
}

// utils serves the files of the web interface. Directories are not listed.
func utils(x *exchange) error {
	// The path that the client sent tells whether there was a slash at its end; relative links need one.
	if x.name("file") == "" && !strings.HasSuffix(x.r.RequestURI, "/") && x.r.RequestURI != "" &&
		!strings.Contains(x.r.RequestURI, "?") {
		x.w.Header().Set("Location", "/_utils/")
		x.send(http.StatusMovedPermanently, "text/plain", nil)
		return nil
	}
	if !hasIndex(x.h.o.Fauxton) {
		x.send(http.StatusOK, "text/html; charset=utf-8", []byte(noFauxton))
		return nil
	}
	file := x.name("file")
	if file == "" {
		file = "index.html"
	}
	st, err := fs.Stat(x.h.o.Fauxton, file)
	if err != nil || st.IsDir() {
		return errNotFound("missing")
	}
	hdr := x.w.Header()
	hdr.Set("Content-Security-Policy", "child-src 'self' data: blob:; default-src 'self'; img-src 'self' data:; "+
		"font-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline';")
	x.sent = true
	http.ServeFileFS(x.w, x.r, x.h.o.Fauxton, file)
	return nil
}
