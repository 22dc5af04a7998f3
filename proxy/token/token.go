// Package token is what app tokens look like: their text, which only their holder has, and the record of one, which the store
// keeps.
//
// The text is "lct_", an id of 12 characters, "_", a secret of 256 random bits and a CRC-32 of all before it, in lower case
// base32: ^lct_[a-z2-7]{12}_[a-z2-7]{59}$. Prefix and checksum let scanners find it where it should not be. The id is no
// secret: it names the token in lists and logs.
//
// The record is the document "token:<id>" of the database logctl, which admins and the door's own account may read. Of a secret it
// has the SHA-256 alone: nobody guesses 256 random bits, so there is nothing to slow down.
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"logctl/store"
)

// DB is the database that has the records.
const DB = store.DBName("logctl")

// DocPrefix is what the id of a record's document begins with; the token's id follows.
const DocPrefix = "token:"

const (
	prefix     = "lct_"
	idSize     = 12
	secretSize = 52 // 256 bits in base32
	sumSize    = 7  // 32 bits
	textSize   = len(prefix) + idSize + 1 + secretSize + sumSize
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID makes the id of a token.
func NewID() string {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return base32Lower.EncodeToString(b[:])[:idSize]
}

// NewText makes the text of the token id with a new secret.
func NewText(id string) string {
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	text := prefix + id + "_" + base32Lower.EncodeToString(secret[:])
	return text + sum(text)
}

func sum(text string) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], crc32.ChecksumIEEE([]byte(text)))
	return base32Lower.EncodeToString(b[:])
}

// Is tells whether a text is meant to be a token: one that CouchDB knows is none.
func Is(text string) bool { return strings.HasPrefix(text, prefix) }

// ID is the id in the text of a token; false if no token has that text.
func ID(text string) (string, bool) {
	if len(text) != textSize || !Is(text) || text[len(prefix)+idSize] != '_' {
		return "", false
	}
	body := text[:textSize-sumSize]
	if text[textSize-sumSize:] != sum(body) {
		return "", false
	}
	id := text[len(prefix) : len(prefix)+idSize]
	return id, CheckID(id) == nil
}

// CheckID tells whether a token could have that id.
func CheckID(id string) error {
	bad := func(r rune) bool { return (r < 'a' || r > 'z') && (r < '2' || r > '7') }
	if len(id) != idSize || strings.ContainsFunc(id, bad) {
		return store.NewError(store.KindBadRequest, "the id of a token has 12 characters; logctl token list shows them")
	}
	return nil
}

// Secret is what is kept of one: a token has two while it is changed for another.
type Secret struct {
	SHA256  string    `json:"sha256"` // of the whole text, in hex
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: never
}

// NewSecret is what is kept of a text.
func NewSecret(text string, created, expires time.Time) Secret {
	hash := sha256.Sum256([]byte(text))
	return Secret{hex.EncodeToString(hash[:]), created, expires}
}

// The things that a token may let its holder do with its apps.
const (
	Read  = "read"
	Write = "write"
)

// Record is what the store keeps of a token.
type Record struct {
	ID      string    `json:"-"`
	Name    string    `json:"name,omitempty"` // for people
	Apps    []string  `json:"apps"`
	May     []string  `json:"may"` // Read, Write or both
	Created time.Time `json:"created"`
	Secrets []Secret  `json:"secrets"` // at least one
}

// The bounds of a record, which is read at each request of the token's holder.
const (
	MaxRecord  = 64 << 10 // bytes of its document, as a store gives it
	MaxSecrets = 100      // good at the same time
)

const (
	recordType    = "token"
	recordVersion = 1
	idAndRev      = 256 // more bytes than a store's "_id" and "_rev" have
)

// envelope is a record as it is written.
type envelope struct {
	Type    string `json:"type"`
	Version int    `json:"version"`
	Record
}

// Encode is a record as a document without its id and revision. KindTooLarge if it is longer than a door reads.
func (r *Record) Encode() ([]byte, error) {
	doc, err := json.Marshal(envelope{recordType, recordVersion, *r})
	if err == nil && len(doc) > MaxRecord-idAndRev {
		return nil, store.NewError(store.KindTooLarge, fmt.Sprintf("the record of the token would have %d bytes, a door reads %d: give it a shorter name or fewer apps",
			len(doc)+idAndRev, MaxRecord))
	}
	return doc, err
}

// Decode reads the document of the token id.
func Decode(id string, doc []byte) (*Record, error) {
	var e envelope
	if err := json.Unmarshal(doc, &e); err != nil {
		return nil, fmt.Errorf("read token %s: %w", id, err)
	}
	switch {
	case e.Type != recordType, len(e.Secrets) == 0 && e.Version == recordVersion:
		return nil, fmt.Errorf("read token %s: its document is none of a token", id)
	case e.Version != recordVersion:
		return nil, store.NewError(store.KindNewerFormat, fmt.Sprintf("token %s is of version %d, written by a newer logctl", id, e.Version))
	}
	e.ID = id
	return &e.Record, nil
}

// Allows tells whether the token lets its holder do that: Read or Write.
func (r *Record) Allows(what string) bool { return slices.Contains(r.May, what) }

// Admits tells whether text is the token's at that time. It takes the same time whichever byte of a secret is wrong.
func (r *Record) Admits(text string, now time.Time) bool {
	hash := sha256.Sum256([]byte(text))
	ok := 0
	for _, s := range r.Secrets {
		kept, err := hex.DecodeString(s.SHA256)
		if err != nil || !s.Expires.IsZero() && !now.Before(s.Expires) {
			continue
		}
		ok |= subtle.ConstantTimeCompare(hash[:], kept)
	}
	return ok == 1
}

// Expires is when the last of the token's secrets ends; zero if one never does.
func (r *Record) Expires() time.Time {
	var last time.Time
	for _, s := range r.Secrets {
		if s.Expires.IsZero() {
			return time.Time{}
		}
		if s.Expires.After(last) {
			last = s.Expires
		}
	}
	return last
}
