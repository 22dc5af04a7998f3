package password

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Session is what a session cookie says: who has given his password, and when.
type Session struct {
	Name string
	At   time.Time
	mac  []byte
}

// ParseSession reads a cookie's value, the base64url of "name:hex seconds:mac". The mac may hold colons, a name can't.
func ParseSession(value string) (Session, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(value, "="))
	if err != nil {
		return Session{}, err
	}
	name, rest, ok := bytes.Cut(raw, []byte{':'})
	if !ok {
		return Session{}, errors.New("no time")
	}
	at, mac, ok := bytes.Cut(rest, []byte{':'})
	if !ok {
		return Session{}, errors.New("no signature")
	}
	sec, err := strconv.ParseInt(string(at), 16, 64)
	if err != nil {
		return Session{}, fmt.Errorf("time: %w", err)
	}
	return Session{Name: string(name), At: time.Unix(sec, 0), mac: mac}, nil
}

// IsSigned tells whether the server that has the secret has made the session, for an account that has the salt still.
func (s Session) IsSigned(secret []byte, salt string) bool {
	return hmac.Equal(s.mac, s.sign(secret, salt))
}

// Value is a new cookie's value, signed.
func (s Session) Value(secret []byte, salt string) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte(s.text()+":"), s.sign(secret, salt)...))
}

func (s Session) text() string { return s.Name + ":" + strconv.FormatInt(s.At.Unix(), 16) }

// sign is the HMAC-SHA256 of the name and the time, keyed by the server's secret and the account's salt: a new password
// has a new salt, so that it ends all sessions.
func (s Session) sign(secret []byte, salt string) []byte {
	m := hmac.New(sha256.New, append(bytes.Clone(secret), salt...))
	m.Write([]byte(s.text()))
	return m.Sum(nil)
}
