package cmd

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/designdocs"
	"logctl/internal/app"
	"logctl/store"
	"logctl/store/couchpath"
	"logctl/store/ejson"
)

// store makes the checks that ask the store.
func (d *doctor) store(ctx context.Context, c *client) {
	start := time.Now()
	res, err := d.get(ctx, c.conn.Transport, http.MethodGet, c.conn.BaseURL+"/", "")
	if err != nil {
		d.failed("store", "is the server up? logctl serve", err)
		return
	}
	d.well("store", "%s answers in %d ms", c.conn.Where, time.Since(start).Milliseconds())
	d.clock(res, start)
	d.serverCertificate(res)
	stranger, base := d.stranger(c)
	if stranger == nil {
		d.well("door", "none is running here")
	} else {
		d.door(ctx, stranger, base)
	}
	apps, err := appNames(ctx, c)
	switch {
	case notAllowed(err) && d.app != "":
		apps = []string{d.app}
	case notAllowed(err):
		d.warn("apps", "LOGCTL_USER and LOGCTL_PASSWORD_FILE of an admin, or --app", "this account may not list them")
		return
	case err != nil:
		d.failed("apps", "logctl app list", err)
		return
	case len(apps) == 0:
		d.warn("apps", "logctl app create APP", "there are none")
		return
	}
	d.app = cmp.Or(d.app, apps[0])
	d.canary(ctx, c, stranger, base)
	for _, name := range apps {
		d.designs(ctx, c, name)
		d.rejects(ctx, c, name)
	}
}

// answer is a status, the headers and the beginning of a body.
type answer struct {
	status int
	header http.Header
	state  *tls.ConnectionState
	body   []byte
}

const maxAnswerShown = 64 << 10

func (d *doctor) get(ctx context.Context, t http.RoundTripper, method, address, body string) (*answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := (&http.Client{Transport: t, Timeout: 20 * time.Second}).Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerShown))
	return &answer{res.StatusCode, res.Header, res.TLS, text}, err
}

// clock compares the server's with this machine's. An answer has whole seconds.
func (d *doctor) clock(res *answer, start time.Time) {
	const little, much = 5 * time.Second, 5 * time.Minute
	theirs, err := http.ParseTime(res.header.Get("Date"))
	if err != nil {
		return // no network in between, or it does not tell
	}
	skew := max(time.Until(theirs), start.Sub(theirs)-time.Second, 0).Round(time.Second)
	switch {
	case skew > much:
		d.fail("clock", "timedatectl set-ntp true, on both machines", "this machine and the server differ by %s", skew)
	case skew > little:
		d.warn("clock", "timedatectl set-ntp true, on both machines", "this machine and the server differ by %s", skew)
	default:
		d.well("clock", "as the server's")
	}
}

func (d *doctor) serverCertificate(res *answer) {
	u, err := url.Parse(d.conf.URL)
	switch {
	case d.conf.URL == "" || err != nil:
	case res.state == nil && !isLoopback(u.Hostname()+":0"):
		d.warn("TLS", "logctl serve --tls-cert FILE --tls-key FILE, and https:// in LOGCTL_URL", "what is sent can be read on the way")
	case res.state == nil:
		d.well("TLS", "none, and the server is this machine")
	default:
		end := res.state.PeerCertificates[0].NotAfter
		if day := end.Local().Format(time.DateOnly); time.Until(end) < soonEnds {
			d.warn("TLS", "renew it on the server", "the server's certificate ends on %s", day)
		} else {
			d.well("TLS", "the server's certificate is good until %s", day)
		}
	}
}

// stranger is the way of somebody without an account to the door; nil if there is none to be seen from here.
func (d *doctor) stranger(c *client) (t http.RoundTripper, base string) {
	if c.conn.InProcess {
		return nil, ""
	}
	if d.conf.URL != "" {
		conf := d.conf
		conf.User, conf.PasswordFile, conf.TokenFile, conf.CertFile, conf.KeyFile = "", "", "", "", ""
		if conn, err := app.Connect(context.Background(), conf, nil); err == nil {
			return conn.Transport, conn.BaseURL
		}
		return nil, ""
	}
	address, _ := app.Serving(d.conf.Data)
	// It is this machine's own serve, whose certificate is for the name that others use.
	return &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}, address
}

// door tries a few things that no stranger may do; logctl audit tries all.
func (d *doctor) door(ctx context.Context, t http.RoundTripper, base string) {
	db := store.AppPrefix + cmp.Or(d.app, "x")
	for _, p := range []struct{ method, path, body string }{
		{"GET", "/_all_dbs", ""}, {"GET", "/_users/_all_docs", ""}, {"GET", "/" + db + "/_all_docs", ""}, {"POST", "/" + db + "/_find", `{"selector":{}}`},
		{"GET", "/" + string(store.TrailDB) + "/_all_docs", ""}, {"GET", "/_node/_local/_config", ""},
	} {
		res, err := d.get(ctx, t, p.method, base+p.path, p.body)
		if err != nil {
			d.failed("door", "is it up? logctl serve", err)
			return
		}
		if res.status < 300 {
			d.fail("door", "logctl audit "+base+" --db "+db, "a stranger gets an answer to %s %s", p.method, p.path)
			return
		}
	}
	d.well("door", "a stranger reads nothing at %s", base)
}

// canary writes a doc as ship does, reads it with the account, and deletes it.
func (d *doctor) canary(ctx context.Context, c *client, stranger http.RoundTripper, base string) {
	db, err := store.AppDB(d.app)
	if err != nil {
		d.failed("canary", "logctl app list", err)
		return
	}
	if stranger == nil {
		stranger, base = c.conn.Transport, c.conn.BaseURL
	}
	doc := []byte(`{"doctor":"` + rand.Text() + `"}`)
	id := string(ejson.AppendContentID(nil, doc, 0))
	body := fmt.Sprintf(`{"_id":%q,%s`, id, doc[1:])
	res, err := d.get(ctx, stranger, http.MethodPost, base+couchpath.Of(string(db)), body)
	if err == nil && res.status != http.StatusCreated && res.status != http.StatusAccepted {
		if notAllowedStatus(res.status) && stranger != c.conn.Transport { // a CouchDB without a door
			res, err = d.get(ctx, c.conn.Transport, http.MethodPost, c.conn.BaseURL+couchpath.Of(string(db)), body)
		}
	}
	switch {
	case err != nil:
		d.failed("canary", "logctl serve shows why", err)
		return
	case res.status != http.StatusCreated && res.status != http.StatusAccepted:
		d.fail("canary", "logctl app create "+d.app, "a doc for %s is refused: %d %s", d.app, res.status, oneLine(string(res.body)))
		return
	}
	raw, err := c.Get(ctx, db, id)
	switch {
	case notAllowed(err):
		d.warn("canary", "an account that may read: logctl user add NAME", "a doc was written to %s; this account may not read it", d.app)
		return
	case err != nil:
		d.failed("canary", "logctl check", err)
		return
	case !bytes.Contains(raw, doc[1:len(doc)-1]):
		d.fail("canary", "logctl check", "the doc %s of %s is another one than was written", id, d.app)
		return
	}
	var kept struct {
		Rev string `json:"_rev"`
	}
	_ = json.Unmarshal(raw, &kept)
	rev, err := store.ParseRev(kept.Rev)
	if err == nil {
		err = c.Delete(ctx, db, id, rev)
	}
	if err != nil {
		d.well("canary", "a doc went to %s and came back; it stays: %s", d.app, id)
		return
	}
	d.well("canary", "a doc went to %s, came back and is deleted", d.app)
}

func notAllowedStatus(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden
}

// designs compares an app's design documents with those of this program.
func (d *doctor) designs(ctx context.Context, c *client, name string) {
	db, err := store.AppDB(name)
	if err != nil {
		return
	}
	own, err := designdocs.Own()
	var diff string
	if err == nil {
		diff, err = designdocs.Diff(ctx, c, db, own)
	}
	switch {
	case notAllowed(err):
		d.warn("design", "an account that may read it", "this account may not read %s", name)
	case err != nil:
		d.failed("design", "logctl design list "+name, err)
	case diff != "":
		d.warn("design", "logctl design push "+name, "the views of %s are not those of this logctl", name)
	default:
		d.well("design", "the views of %s are installed and current", name)
	}
}

// rejects looks for lines that became no docs.
func (d *doctor) rejects(ctx context.Context, c *client, name string) {
	s, err := statusOfApp(ctx, c, name)
	switch {
	case notAllowed(err):
	case err != nil:
		d.failed("rejects", "logctl status "+name, err)
	case !s.kept:
		d.warn("rejects", "logctl app create "+name, "%s has no place for rejects", name)
	case s.rejects > 0:
		d.warn("rejects", "logctl status "+name, "%s of %s became no docs", count(s.rejects, "line"), name)
	default:
		d.well("rejects", "%s has none", name)
	}
}
