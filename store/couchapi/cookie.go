package couchapi

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"logctl/store/engine"
)

const (
	sessionCookie = "AuthSession"
	secretMeta    = "cookie_secret" // the engine's setting that holds the key of all cookies
	secretSize    = 32
)

// session is what a session cookie says.
type session struct {
	name string
	at   time.Time
	mac  []byte
}

// parseSession reads "name:hex seconds:mac". The mac may hold colons, a name can't.
func parseSession(raw []byte) (session, error) {
	name, rest, ok := bytes.Cut(raw, []byte{':'})
	if !ok {
		return session{}, errors.New("no time")
	}
	at, mac, ok := bytes.Cut(rest, []byte{':'})
	if !ok {
		return session{}, errors.New("no signature")
	}
	sec, err := strconv.ParseInt(string(at), 16, 64)
	if err != nil {
		return session{}, fmt.Errorf("time: %w", err)
	}
	return session{name: string(name), at: time.Unix(sec, 0), mac: mac}, nil
}

func (s session) text() string {
	return s.name + ":" + strconv.FormatInt(s.at.Unix(), 16)
}

// sign is the HMAC-SHA256 of the name and the time, keyed by the server's secret and the account's salt: a new password
// has a new salt, so that it ends all sessions.
func (s session) sign(secret []byte, salt string) []byte {
	m := hmac.New(sha256.New, append(bytes.Clone(secret), salt...))
	m.Write([]byte(s.text()))
	return m.Sum(nil)
}

// setSession sends a new session cookie.
func (h *Handler) setSession(x *exchange, name, salt string) {
	s := session{name: name, at: time.Now()}
	value := append([]byte(s.text()+":"), s.sign(h.secret, salt)...)
	http.SetCookie(x.w, &http.Cookie{
		Name: sessionCookie, Value: base64.RawURLEncoding.EncodeToString(value),
		Path: "/", HttpOnly: true, Secure: x.r.TLS != nil,
		MaxAge: int(h.o.SessionTimeout / time.Second), Expires: s.at.Add(h.o.SessionTimeout),
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
