package proxy

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/store"
	"logctl/store/ejson"
	"logctl/store/intake"
)

// welcome answers GET / as much as clients look for in it: that this is a CouchDB, of which generation. The store's own answer
// would tell a stranger its exact version and its identity.
func (d *Door) welcome(v *visit) error {
	v.send(http.StatusOK, []byte(`{"couchdb":"Welcome","version":"3","features":[],"vendor":{"name":"logctl"}}`+"\n"))
	return nil
}

// up tells whether the store answers, and leaves out which nodes it is made of.
func (d *Door) up(v *visit) error {
	c, err := d.ask(v.asked(http.MethodGet, "/_up"), usualSmall, maxAnswer)
	if err != nil {
		return err
	}
	// A CouchDB that wants an account for everything is there, too.
	if c.status != http.StatusOK && c.status != http.StatusUnauthorized {
		return errUpstream
	}
	v.send(http.StatusOK, []byte(`{"status":"ok","seeds":{}}`+"\n"))
	return nil
}

// asked is a request of the door's own on behalf of a stranger.
func (v *visit) asked(method, path string) *http.Request {
	r := v.inner(method, path, nil)
	v.stamp(r)
	return r
}

// nobody answers GET /_session: the caller has none.
func (d *Door) nobody(v *visit) error {
	if v.r.URL.RawQuery == "basic=true" {
		v.w.Header()["Www-Authenticate"] = []string{`Basic realm="server"`}
		return store.NewError(store.KindUnauthorized, "Please login.")
	}
	v.send(http.StatusOK, []byte(`{"ok":true,"userCtx":{"name":null,"roles":[]},"info":{"authentication_handlers":["cookie","default"]}}`+"\n"))
	return nil
}

// login lets the store check a name and a password, and gives its cookie to the client. A page of another site may not sign a browser
// in: it would read along with the account that it chose what the browser's user stores from then on.
func (d *Door) login(v *visit) error {
	if err := v.ofThisSite(); err != nil {
		return err
	}
	kind, _, _ := strings.Cut(v.r.Header.Get("Content-Type"), ";")
	if kind = strings.TrimSpace(kind); kind != jsonKind && kind != formType {
		return store.NewError(store.KindBadContentType,
			"Content-Type must be 'application/x-www-form-urlencoded' or 'application/json'")
	}
	l := d.budget.Lease(v.payer)
	defer l.Free()
	body, err := v.readBody(v.body(), &l, maxSession)
	if err != nil {
		return err
	}
	name, password, err := readLogin(kind, *body)
	intake.Free(body)
	if err != nil {
		return err
	}
	end := d.try(v, name, func() bool { return false })
	if end == nil {
		return nil
	}
	defer end()
	start := time.Now()
	if d.isWriter(name) {
		d.wrong(v, name, start)
		return errWrongPassword()
	}
	r := v.asked(http.MethodPost, "/_session")
	r.Header["Content-Type"] = []string{formType}
	form := url.Values{"name": {name}, "password": {password}}.Encode()
	r.Body, r.ContentLength = readCloser{strings.NewReader(form), http.NoBody}, int64(len(form))
	c, err := d.askSession(r)
	if err != nil {
		return err
	}
	switch c.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		d.wrong(v, name, start)
	case http.StatusOK:
		d.attempts.succeeded(v.guesser(), name)
	}
	d.tellLogin(v, name, c.status)
	v.relay(c, "Content-Type", "Set-Cookie")
	return nil
}

const (
	jsonKind = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// readLogin reads whom a body of POST /_session is about. The store gets what was read and not the body, for of two names in that it
// might take the other one. There is a name; errors are of KindBadRequest.
func readLogin(kind string, body []byte) (name, password string, err error) {
	said := map[string]string{}
	if kind == jsonKind {
		err = ejson.Members(body, func(key, value []byte) error {
			var text string
			if json.Unmarshal(value, &text) == nil { // what is no text is as not there
				said[string(key)] = text
			}
			return nil
		})
	} else {
		err = readForm(body, said)
	}
	if name = cmp.Or(said["name"], said["username"]); name == "" && err == nil {
		err = store.NewError(store.KindBadRequest, "request body must contain a username")
	}
	return name, said["password"], err
}

// readForm puts the fields of a form into said, of several of one name the first.
func readForm(body []byte, said map[string]string) error {
	for field := range strings.FieldsFuncSeq(string(body), func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(field, "=")
		name, bad := url.QueryUnescape(name)
		value, worse := url.QueryUnescape(value)
		if err := cmp.Or(bad, worse); err != nil {
			return store.NewError(store.KindBadRequest, "The form can't be read.")
		}
		if _, ok := said[name]; !ok {
			said[name] = value
		}
	}
	return nil
}

// logout lets the store take its cookie back.
func (d *Door) logout(v *visit) error {
	c, err := d.askSession(v.asked(http.MethodDelete, "/_session"))
	if err == nil {
		v.relay(c, "Content-Type", "Set-Cookie")
	}
	return err
}

func (d *Door) askSession(r *http.Request) (*captured, error) {
	c, err := d.ask(r, usualSmall, maxSession)
	if err == nil && c.status >= http.StatusInternalServerError {
		return nil, errUpstream
	}
	return c, err
}

// staticHeaders are those that files are asked for with.
var staticHeaders = [...]string{"Accept", "Accept-Encoding", "If-Modified-Since", "If-None-Match", "If-Range", "Range"}

// page hands out the files of the web interface, which has the form to sign in.
func (d *Door) page(v *visit) error {
	if len(v.to.segments) == 1 { // relative links need the slash
		v.w.Header()["Location"] = []string{"/_utils/"}
		v.mark()
		v.w.WriteHeader(http.StatusMovedPermanently)
		return nil
	}
	var path strings.Builder
	for _, s := range v.to.segments {
		path.WriteByte('/')
		path.WriteString(strings.ReplaceAll(url.PathEscape(s), "+", "%2B"))
	}
	r := v.asked(v.r.Method, path.String())
	for _, name := range staticHeaders {
		if values, ok := v.r.Header[name]; ok {
			r.Header[name] = values
		}
	}
	d.o.Upstream.ServeHTTP(&fileWriter{ResponseWriter: v.w, v: v, header: http.Header{}}, r)
	return nil
}

// fileHeaders are those of the store's answer that somebody without an account gets.
var fileHeaders = [...]string{"Accept-Ranges", "Cache-Control", "Content-Encoding", "Content-Length", "Content-Range",
	"Content-Security-Policy", "Content-Type", "Etag", "Last-Modified", "Vary"}

// fileWriter passes an answer of the store on while it is written, with fileHeaders only.
type fileWriter struct {
	http.ResponseWriter
	v      *visit
	header http.Header
	sent   bool
}

func (f *fileWriter) Header() http.Header { return f.header }

func (f *fileWriter) WriteHeader(status int) {
	if f.sent || status < http.StatusOK {
		return
	}
	f.sent = true
	f.v.mark()
	h := f.ResponseWriter.Header()
	for _, name := range fileHeaders {
		if values, ok := f.header[name]; ok {
			h[name] = values
		}
	}
	f.ResponseWriter.WriteHeader(status)
}

func (f *fileWriter) Write(p []byte) (int, error) {
	f.WriteHeader(http.StatusOK)
	f.v.answering()
	return f.ResponseWriter.Write(p)
}

// FlushError sends what there is: a feed's reader waits for it.
func (f *fileWriter) FlushError() error {
	f.WriteHeader(http.StatusOK)
	return f.v.conn.Flush()
}

func (f *fileWriter) Unwrap() http.ResponseWriter { return f.ResponseWriter }
