// Package password hashes passwords, checks them against hashes and new ones against rules, slows down who guesses them, and signs
// the cookies of who knew them, as CouchDB does.
package password

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
	"strings"
)

const (
	saltBytes = 16
	maxRounds = 10_000_000 // of a stored hash that is believed: more would let a document stop the server
	marker    = "-pbkdf2"  // what the text of a hash begins with
)

// Hash is what is kept of a password, with the names of its members in user documents. Two that are equal are of one
// password.
type Hash struct {
	Scheme     string `json:"password_scheme"`
	PRF        string `json:"pbkdf2_prf"`
	Salt       string `json:"salt"`
	Iterations int    `json:"iterations"`
	DerivedKey string `json:"derived_key"`
	SHA        string `json:"password_sha"` // of the scheme "simple" alone, which is that of documents that name none
}

// Method is how new passwords are hashed.
type Method struct {
	PRF    string // a name of pbkdf2_prf; sha256 if it is none
	Rounds int    // at least 1; those above 10,000,000 are as many
}

// Empty is a hash that matches no password, which takes as long to find out as with a new one.
func (m Method) Empty() Hash {
	h := Hash{Scheme: "pbkdf2", PRF: m.PRF, Iterations: min(max(m.Rounds, 1), maxRounds)}
	newHash, ok := prf(h.PRF)
	if h.PRF == "" || !ok {
		h.PRF, newHash = "sha256", sha256.New
	}
	h.DerivedKey = strings.Repeat("00", newHash().Size())
	return h
}

// Made tells whether h was made by the method.
func (m Method) Made(h Hash) bool {
	made := m.Empty()
	return h.Scheme == made.Scheme && h.PRF == made.PRF && h.Iterations == made.Iterations
}

// New hashes a password with a salt, a new one if it is "".
func (m Method) New(password, salt string) (Hash, error) {
	h := m.Empty()
	if h.Salt = salt; salt == "" {
		var raw [saltBytes]byte
		rand.Read(raw[:]) // never fails
		h.Salt = hex.EncodeToString(raw[:])
	}
	newHash, _ := prf(h.PRF)
	key, err := pbkdf2.Key(newHash, password, []byte(h.Salt), h.Iterations, newHash().Size())
	if err != nil {
		return Hash{}, fmt.Errorf("hash a password: %w", err)
	}
	h.DerivedKey = hex.EncodeToString(key)
	return h, nil
}

// Matches tells whether password is the one that was hashed. It takes long by design.
func (h *Hash) Matches(password string) bool {
	switch h.Scheme {
	case "pbkdf2":
		want, err := hex.DecodeString(h.DerivedKey)
		if err != nil || len(want) == 0 || h.Iterations < 1 || h.Iterations > maxRounds {
			return false
		}
		newHash, ok := prf(h.PRF)
		if !ok {
			return false
		}
		got, err := pbkdf2.Key(newHash, password, []byte(h.Salt), h.Iterations, len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	case "simple", "": // of CouchDB before 1.3
		sum := sha1.Sum([]byte(password + h.Salt))
		return subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(h.SHA)) == 1
	}
	return false
}

// prf is the hash that a document's pbkdf2_prf names; documents of CouchDB before 3.4 have none and mean SHA-1.
func prf(name string) (func() hash.Hash, bool) {
	switch name {
	case "", "sha":
		return sha1.New, true
	case "sha224":
		return sha256.New224, true
	case "sha256":
		return sha256.New, true
	case "sha384":
		return sha512.New384, true
	case "sha512":
		return sha512.New, true
	}
	return nil, false
}

// Text is a PBKDF2 hash as CouchDB's settings keep it: "-pbkdf2:sha256-<key>,<salt>,<rounds>".
func (h *Hash) Text() string {
	return fmt.Sprintf("%s:%s-%s,%s,%d", marker, h.PRF, h.DerivedKey, h.Salt, h.Iterations)
}

// Parse reads what Text has written, and what CouchDB has; false for any other text.
func Parse(text string) (Hash, bool) {
	rest, ok := strings.CutPrefix(text, marker)
	if !ok {
		return Hash{}, false
	}
	kind, rest, ok := strings.Cut(rest, "-")
	parts := strings.Split(rest, ",")
	if !ok || len(parts) != 3 {
		return Hash{}, false
	}
	rounds, err := strconv.Atoi(parts[2])
	h := Hash{Scheme: "pbkdf2", PRF: strings.TrimPrefix(kind, ":"), DerivedKey: parts[0], Salt: parts[1], Iterations: rounds}
	return h, err == nil
}
