package couchapi

import (
	"errors"
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"logctl/store"
)

func (h *Handler) sessionRoutes(rt *mux.Router) {
	h.add(rt, "/_session", resource{allow: "GET,HEAD,POST,DELETE", methods: map[string]action{
		http.MethodGet: getSession, http.MethodPost: postSession, http.MethodDelete: deleteSession,
	}})
}

// userCtx is how a caller is shown.
type userCtx struct {
	Name  *string  `json:"name"`
	Roles []string `json:"roles"`
}

func ctxOf(c store.Caller) userCtx {
	u := userCtx{Roles: c.Roles}
	if u.Roles == nil {
		u.Roles = []string{}
	}
	if c.Name != "" {
		u.Name = &c.Name
	}
	return u
}

func getSession(x *exchange) error {
	if x.flag("basic") && x.caller.Name == "" {
		return errUnauthorized("Please login.")
	}
	type info struct {
		Handlers      []string `json:"authentication_handlers"`
		Authenticated string   `json:"authenticated,omitempty"`
		Accounts      string   `json:"authentication_db,omitempty"`
	}
	handlers := []string{"cookie", "default"}
	if x.h.believesProxies() {
		handlers = append([]string{"proxy"}, handlers...)
	}
	return x.marshal(http.StatusOK, struct {
		OK      bool    `json:"ok"`
		UserCtx userCtx `json:"userCtx"`
		Info    info    `json:"info"`
	}{true, ctxOf(x.caller), info{handlers, x.authed, x.h.users.elsewhere()}})
}

// postSession logs in with a form or a JSON object of name and password.
func postSession(x *exchange) error {
	name, password, err := x.readLogin()
	if err != nil {
		return err
	}
	caller, err := x.h.accounts.login(x.ctx(), name, password, peer(x.r))
	if err != nil {
		if !store.IsKind(err, store.KindUnauthorized) {
			return err
		}
		clearSession(x)
		status, bad := x.leadTo("fail")
		if bad != nil {
			return bad
		}
		if status == http.StatusOK {
			status = http.StatusUnauthorized
		}
		return x.json(status, appendError(nil, x.asError(err)))
	}
	salt, _, err := x.h.accounts.session(name)
	if err != nil {
		if errors.Is(err, errNoAccount) { // deleted in between
			return errUnauthorized("Name or password is incorrect.")
		}
		return err
	}
	status, err := x.leadTo("next")
	if err != nil {
		return err
	}
	x.h.setSession(x, name, salt)
	u := ctxOf(caller)
	return x.marshal(status, struct {
		OK bool `json:"ok"`
		userCtx
	}{true, u})
}

func deleteSession(x *exchange) error {
	status, err := x.leadTo("next")
	if err != nil {
		return err
	}
	clearSession(x)
	return x.ok(status)
}

// leadTo is the status of a login or logout: a redirect where the parameter of that name, "next" or "fail", names a page. Whatever it
// names is on this server: a path that begins with two slashes would be another one's to a browser.
func (x *exchange) leadTo(param string) (int, error) {
	if !x.query().Has(param) {
		return http.StatusOK, nil
	}
	to, ok := strings.CutPrefix(x.query().Get(param), "/")
	if !ok {
		return 0, errBadRequest("path must begin with a /.")
	}
	x.w.Header().Set("Location", x.absolute("/"+strings.TrimLeft(to, `/\`)))
	return http.StatusFound, nil
}

func (x *exchange) readLogin() (name, password string, err error) {
	b, err := x.readBody()
	if err != nil {
		return "", "", err
	}
	defer b.free()
	noName := errBadRequest("request body must contain a username")
	ct, _, _ := strings.Cut(x.r.Header.Get("Content-Type"), ";")
	switch strings.TrimSpace(ct) {
	case "application/x-www-form-urlencoded":
		form := parseQuery(string(b.bytes))
		if name = form.Get("name"); name == "" {
			name = form.Get("username")
		}
		if name == "" {
			return "", "", noName
		}
		return name, form.Get("password"), nil
	case "application/json":
		if err := needObject(b.bytes); err != nil {
			return "", "", err
		}
		m, err := members(b.bytes)
		if err != nil {
			return "", "", err
		}
		name, ok := text(m["name"])
		if !ok {
			name, ok = text(m["username"])
		}
		if !ok {
			return "", "", noName
		}
		password, _ := text(m["password"])
		return name, password, nil
	}
	return "", "", store.NewError(store.KindBadContentType,
		"Content-Type must be 'application/x-www-form-urlencoded' or 'application/json'")
}
