package proxy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"logctl/proxy/token"
	"logctl/proxy/trail"
	"logctl/store"
)

// deedOf is what the trail calls a known caller's request that is neither a plain write nor a question, and what it is about; ""
// for every other. What is among many docs the answer tells: tellStored.
func deedOf(v *visit) (what, on string) {
	method := storeMethod(v.r)
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return "", ""
	}
	if v.caller.name == "" {
		return "", ""
	}
	parts := deedParts(v)
	if method == methodCopy && len(parts) > 1 {
		to, _, _ := strings.Cut(v.r.Header.Get("Destination"), "?")
		if to = unescaped(to); strings.HasPrefix(to, "_design/") {
			parts = []string{parts[0], to}
		}
	}
	return deed(method, parts)
}

const methodCopy = "COPY"

// storeMethod is the method that a store takes a signed-in caller's request for.
func storeMethod(r *http.Request) string {
	if r.Method == http.MethodPost {
		switch m := strings.ToUpper(r.Header.Get("X-Http-Method-Override")); m {
		case http.MethodPut, http.MethodDelete, methodCopy:
			return m
		}
	}
	return r.Method
}

// deedParts are the parts of a path, decoded, also of one that has more than one reading; there is at least one.
func deedParts(v *visit) []string {
	if v.to.plain {
		return v.to.parts
	}
	var parts []string
	for p := range strings.SplitSeq(v.r.URL.EscapedPath(), "/") {
		if p != "" { // a store leaves it out, too
			parts = append(parts, unescaped(p))
		}
	}
	if len(parts) == 0 {
		return rootParts
	}
	return parts
}

// unescaped is a part of a path, decoded where that can be.
func unescaped(part string) string {
	if plain, err := url.PathUnescape(part); err == nil {
		return plain
	}
	return part
}

func deed(method string, parts []string) (what, on string) {
	rest := strings.Join(parts[1:], "/")
	switch first := parts[0]; {
	case first == "":
		return "", ""
	case first == "_session":
		if method == http.MethodPost {
			return "login", ""
		}
		return "", ""
	case first == usersDB && method == http.MethodPost && (rest == "" || rest == "_bulk_docs"): // tellStored tells whom
		return "", ""
	case first == usersDB:
		return "user", strings.TrimPrefix(rest, "org.couchdb.user:")
	case first == "_replicate" || first == "_replicator":
		return "replicate", rest
	case first == "_node" || first == "_config":
		return "config", rest
	case strings.HasPrefix(first, "_"):
		return "server", strings.Join(parts, "/")
	case first == string(token.DB) && strings.HasPrefix(rest, token.DocPrefix):
		return "token", strings.TrimPrefix(rest, token.DocPrefix)
	case first == string(token.DB):
		return "setting", rest
	case rest == "" && method == http.MethodPut:
		return "database_created", ""
	case rest == "" && method == http.MethodDelete:
		return "database_deleted", ""
	case rest == "":
		return "", ""
	}
	return deedInDB(rest)
}

// plainRoutes are parts of a database that are asked by POST, or written to without a change of what may be done.
var plainRoutes = map[string]bool{
	"_all_docs": true, "_bulk_docs": true, "_bulk_get": true, "_changes": true, "_design_docs": true, "_ensure_full_commit": true,
	"_explain": true, "_find": true, "_local": true, "_local_docs": true, "_missing_revs": true, "_partition": true, "_revs_diff": true,
	"_view_cleanup": true,
}

// deedInDB is a deed in a database; rest is the path below it.
func deedInDB(rest string) (what, on string) {
	first, below, _ := strings.Cut(rest, "/")
	switch {
	case first == "_security":
		return "permissions", ""
	case first == "_index":
		return "design", rest
	case first == "_design":
		name, function, _ := strings.Cut(below, "/")
		if function == "_rewrite" || strings.HasPrefix(function, "_rewrite/") { // which may lead to anything
			return "database", rest
		}
		if strings.HasPrefix(function, "_") { // a view is asked, an update function called
			return "", ""
		}
		return "design", name
	case strings.HasPrefix(first, "_") && !plainRoutes[first]:
		return "database", first
	}
	return "", ""
}

// tellDeed does what the request asks for and writes down how it ended. What was not done counts as a try.
func (d *Door) tellDeed(v *visit, what, on string) error {
	if d.trail == nil {
		return v.rule.do(d, v)
	}
	w := &statusWriter{ResponseWriter: v.w}
	v.w = w
	err := v.rule.do(d, v)
	parts := deedParts(v)
	e := trail.Event{What: what, Who: v.caller.name, From: v.client, On: on, Status: w.status}
	if !strings.HasPrefix(parts[0], "_") && parts[0] != string(token.DB) {
		e.DB = parts[0]
	}
	switch {
	case err != nil: // fail tells
	case w.status >= http.StatusBadRequest:
		d.trail.Try(e)
	default:
		d.trail.Deed(e)
	}
	return err
}

const usersDB = "_users"

// bringsDocs tells whether a request may write accounts, or design documents among others, by one who may.
func bringsDocs(v *visit) bool {
	if v.r.Method != http.MethodPost || v.who&(account|analyst|admin) == 0 || v.caller.name == "" {
		return false
	}
	parts := deedParts(v)
	return (parts[0] == usersDB || !strings.HasPrefix(parts[0], "_")) && (len(parts) == 1 && parts[0] != "" || len(parts) == 2 && parts[1] == "_bulk_docs")
}

// tellStored does what the request asks for and writes down which accounts or design documents its answer says are stored. One that stores
// docs with the revisions that they have elsewhere (new_edits) names none but those that are not, and is a replication.
func (d *Door) tellStored(v *visit) error {
	if d.trail == nil {
		return v.rule.do(d, v)
	}
	parts := deedParts(v)
	e := trail.Event{What: "design", Who: v.caller.name, From: v.client, DB: parts[0]}
	w := &namesWriter{statusWriter: statusWriter{ResponseWriter: v.w}, before: designStored}
	if parts[0] == usersDB {
		e.What, e.DB, w.before = "user", "", userStored
	}
	v.w = w
	err := v.rule.do(d, v)
	e.Status = w.status
	for _, name := range w.names {
		e.On = name
		d.trail.Deed(e)
	}
	switch {
	case err != nil: // fail tells
	case w.status >= http.StatusBadRequest && e.What == "user":
		d.trail.Try(e)
	case w.status == http.StatusCreated && len(parts) == 2 && !w.ok:
		e.What, e.On, e.DB = "replicate", "", parts[0]
		d.trail.Deed(e)
	}
	return err
}

const (
	okMember     = `"ok":true`
	designStored = okMember + `,"id":"_design/`
	userStored   = okMember + `,"id":"org.couchdb.user:`
	maxName      = 240
	maxNames     = 100 // of one answer
)

// namesWriter finds the names of what an answer says is stored.
type namesWriter struct {
	statusWriter
	before string // what stands before a name
	text   []byte // the end of what was seen, in which a name may begin
	names  []string
	ok     bool // something is stored, whatever it is
}

func (w *namesWriter) Write(p []byte) (int, error) {
	w.text = append(w.text, p...)
	w.ok = w.ok || bytes.Contains(w.text, []byte(okMember))
	for len(w.names) < maxNames {
		i := bytes.Index(w.text, []byte(w.before))
		if i < 0 {
			w.text = append(w.text[:0], w.text[max(0, len(w.text)-len(w.before)):]...)
			break
		}
		name := w.text[i+len(w.before):]
		end := bytes.IndexByte(name, '"')
		if end < 0 && len(name) < maxName {
			w.text = append(w.text[:0], w.text[i:]...)
			break
		}
		if end < 0 || end > maxName {
			end = maxName
		}
		w.names = append(w.names, string(name[:end]))
		w.text = append(w.text[:0], name[end:]...)
	}
	if len(w.names) == maxNames {
		w.text = w.text[:0]
	}
	return w.statusWriter.Write(p)
}

// statusWriter remembers an answer's status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// tellLogin writes down how a login ended.
func (d *Door) tellLogin(v *visit, name string, status int) {
	e := trail.Event{What: "login", Who: name, From: v.client, Status: status}
	switch {
	case status == http.StatusOK:
		d.trail.Met(name)
		d.trail.Deed(e)
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.What = trail.LoginFailed
		d.trail.Try(e)
	}
}

// tellRefused counts what the door has refused. What went wrong inside is no refusal.
func (d *Door) tellRefused(v *visit, status int, word string) {
	if status < http.StatusInternalServerError {
		d.trail.Try(trail.Event{What: "refused", Who: v.caller.name, From: v.client, Status: status, Reason: word})
	}
}

// writeTrail stores docs of the trail in the writer's name, which is the only one that may besides the admins.
func (d *Door) writeTrail(ctx context.Context, list [][]byte) error {
	status, err := d.postTrail(ctx, list)
	if status == http.StatusNotFound && d.o.MakeTrail != nil {
		if err := d.o.MakeTrail(ctx); err != nil {
			return fmt.Errorf("make the database %s: %w", store.TrailDB, err)
		}
		status, err = d.postTrail(ctx, list)
	}
	switch {
	case err != nil:
		return err
	case status == http.StatusNotFound || status == http.StatusUnauthorized || status == http.StatusForbidden:
		return fmt.Errorf("the store does not let the writer write to %s: run logctl app create APP, as an admin and with the writer's password", store.TrailDB)
	case status != http.StatusCreated && status != http.StatusAccepted:
		return fmt.Errorf("the store answers %d", status)
	}
	return nil
}

func (d *Door) postTrail(ctx context.Context, list [][]byte) (status int, err error) {
	body := []byte(`{"docs":[`)
	for i, doc := range list {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, doc...)
	}
	body = append(body, "]}"...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+dbPath(store.TrailDB, "/_bulk_docs"), strings.NewReader(string(body)))
	if err != nil {
		return 0, fmt.Errorf("write the audit trail: %w", err)
	}
	r.RequestURI = r.URL.Path
	r.RemoteAddr = "127.0.0.1:0"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json")
	c, err := d.ask(d.o.AsWriter(r), usualRow*(len(list)+1), maxAnswer+rowAnswer*len(list))
	if err != nil {
		return 0, err
	}
	return c.status, nil
}
