package couchapi

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/gorilla/mux"

	"logctl/store"
	"logctl/store/engine"
)

// settingsMeta is the engine's setting that holds what /_node/{node}/_config keeps: {"section":{"key":"value"}}.
const settingsMeta = "config"

// settings are CouchDB's configuration as clients may read and write it. Most of what they hold means nothing to this
// server; those that it heeds are named where they are asked for (settings.flag, settings.get).
type settings struct {
	engine *engine.Engine

	write sync.Mutex   // held while a change goes to disk
	mu    sync.RWMutex // guards all
	all   map[string]map[string]string
}

func newSettings(e *engine.Engine) *settings {
	return &settings{engine: e, all: map[string]map[string]string{}}
}

func (s *settings) load() error {
	raw, err := s.engine.Meta(settingsMeta)
	if err != nil || raw == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.Unmarshal(raw, &s.all)
}

// get is a setting that this server heeds, also where an older CouchDB had it.
func (s *settings) get(section, key string) (string, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, ok := s.all[section][key]
	if !ok {
		v, ok = s.all[oldSections[section]][key]
	}
	return v, ok
}

// oldSections are those that sections were once a part of.
var oldSections = map[string]string{"chttpd": "httpd", "chttpd_auth": "couch_httpd_auth"}

func (s *settings) flag(section, key string) bool {
	v, _ := s.get(section, key)
	return v == "true"
}

// number is a setting that is a whole number, or otherwise if it is none.
func (s *settings) number(section, key string, otherwise int) int {
	if v, ok := s.get(section, key); ok {
		if n, err := strconv.Atoi(v); err == nil {
			return n
		}
	}
	return otherwise
}

// set keeps a value, or forgets it where value is nil, and gives the old one and whether there was one.
func (s *settings) set(ctx context.Context, section, key string, value *string) (string, bool, error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.RLock()
	old, had := s.all[section][key]
	next := maps.Clone(s.all)
	s.mu.RUnlock()
	if value == nil && !had {
		return "", false, nil
	}
	next[section] = maps.Clone(next[section])
	if next[section] == nil {
		next[section] = map[string]string{}
	}
	if value != nil {
		next[section][key] = *value
	} else if delete(next[section], key); len(next[section]) == 0 {
		delete(next, section)
	}
	raw, err := json.Marshal(next)
	if err != nil {
		return "", false, err
	}
	if err := s.engine.SetMeta(ctx, settingsMeta, raw); err != nil {
		return "", false, err
	}
	s.mu.Lock()
	s.all = next
	s.mu.Unlock()
	return old, had, nil
}

// section is a copy of one section; it is never nil.
func (s *settings) section(name string) map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if m := maps.Clone(s.all[name]); m != nil {
		return m
	}
	return map[string]string{}
}

func (s *settings) everything() map[string]map[string]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.all) // sections are replaced, never changed
}

func (h *Handler) settingsRoutes(rt *mux.Router) {
	h.add(rt, "/_node/{node}/_config", resource{access: accessAdmin, allow: "GET", methods: onGet(
		func(x *exchange) error { return x.marshal(http.StatusOK, h.settings.everything()) })})
	h.add(rt, "/_node/{node}/_config/_reload", resource{access: accessAdmin, allow: "POST", methods: onPost(
		func(x *exchange) error { return x.ok(http.StatusOK) })})
	h.add(rt, "/_node/{node}/_config/{section}", resource{access: accessAdmin, allow: "GET", methods: onGet(
		func(x *exchange) error { return x.marshal(http.StatusOK, h.settings.section(x.name("section"))) })})
	h.add(rt, "/_node/{node}/_config/{section}/{key}", resource{access: accessAdmin, allow: "GET,PUT,DELETE",
		methods: map[string]action{
			http.MethodGet: getSetting, http.MethodPut: putSetting, http.MethodDelete: deleteSetting,
		}})
}

func getSetting(x *exchange) error {
	v, ok := x.h.settings.section(x.name("section"))[x.name("key")]
	if !ok {
		return errNotFound("unknown_config_value")
	}
	return x.marshal(http.StatusOK, v)
}

func putSetting(x *exchange) error {
	if err := checkSection(x.name("section")); err != nil {
		return err
	}
	b, err := x.readJSON()
	if err != nil {
		return err
	}
	defer b.free()
	var v any
	if json.Unmarshal(b.bytes, &v) != nil {
		return errBadRequest(reasonBadJSON)
	}
	value, ok := v.(string)
	if !ok {
		return errBadRequest("a JSON string expected")
	}
	value = strings.TrimSpace(value)
	// Brackets and new lines could begin another section in CouchDB's files.
	for _, part := range []struct{ name, text, not string }{
		{"section", x.name("section"), "[]"}, {"key", x.name("key"), "[]"}, {"value", value, ""},
	} {
		if strings.ContainsAny(part.text, part.not) || strings.ContainsFunc(part.text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }) {
			return errBadRequest("Invalid configuration " + part.name)
		}
	}
	if x.name("section") == adminsSection {
		if value, err = hashAdmin(value, x.h.users.method()); err != nil {
			return err
		}
	}
	old, _, err := x.h.settings.set(x.ctx(), x.name("section"), x.name("key"), &value)
	if err != nil {
		return err
	}
	x.h.heed()
	return x.marshal(http.StatusOK, old)
}

// checkSection refuses the sections that CouchDB lets nobody change over HTTP.
func checkSection(name string) error {
	switch name {
	case "daemons", "external", "httpd_design_handlers", "httpd_db_handlers", "httpd_global_handlers", "native_query_servers",
		"os_daemons", "query_servers":
		return errForbidden("Config section blacklisted for modification over HTTP API.")
	}
	return nil
}

func deleteSetting(x *exchange) error {
	if err := checkSection(x.name("section")); err != nil {
		return err
	}
	old, had, err := x.h.settings.set(x.ctx(), x.name("section"), x.name("key"), nil)
	if err != nil {
		return err
	}
	if !had {
		return errNotFound("unknown_config_value")
	}
	x.h.heed()
	return x.marshal(http.StatusOK, old)
}

// marshal answers with a small Go value; docs and rows never go this way.
func (x *exchange) marshal(status int, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return &store.Error{Kind: store.KindInternal, Err: err}
	}
	return x.json(status, raw)
}
