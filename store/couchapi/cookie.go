package couchapi

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"logctl/store/engine"
	"logctl/store/password"
)

const (
	sessionCookie = "AuthSession"
	secretMeta    = "cookie_secret" // the engine's setting that holds the key of all cookies
	secretSize    = 32
)

// setSession sends a new session cookie.
func (h *Handler) setSession(x *exchange, name, salt string) {
	s := password.Session{Name: name, At: time.Now()}
	http.SetCookie(x.w, &http.Cookie{
		Name: sessionCookie, Value: s.Value(h.secret, salt),
		Path: "/", HttpOnly: true, Secure: x.r.TLS != nil,
		MaxAge: int(h.o.SessionTimeout / time.Second), Expires: s.At.Add(h.o.SessionTimeout),
	})
}

// clearSession tells the client to forget its cookie.
func clearSession(x *exchange) {
	http.SetCookie(x.w, &http.Cookie{Name: sessionCookie, Path: "/", HttpOnly: true, Secure: x.r.TLS != nil})
}

// loadSecret reads the key of all cookies, which is made once.
func loadSecret(ctx context.Context, e *engine.Engine) ([]byte, error) {
	secret, err := e.Meta(secretMeta)
	if err != nil || len(secret) >= secretSize {
		return secret, err
	}
	secret = make([]byte, secretSize)
	rand.Read(secret) // never fails
	text := []byte(strconv.Quote(base64.RawURLEncoding.EncodeToString(secret)))
	return text, e.SetMeta(ctx, secretMeta, text)
}
