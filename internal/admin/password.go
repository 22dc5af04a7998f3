package admin

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"hash"
)

// maxIterations bounds what a stored hash may cost to check; CouchDB's default is 600,000.
const maxIterations = 10_000_000

// passwordIs tells whether an account's document, as _users keeps it, is for that password. It says no where it can't tell,
// so that the password is set again. Trying to sign in instead would lock the account out after a few wrong ones.
func passwordIs(doc []byte, password string) bool {
	var kept struct {
		Scheme     string `json:"password_scheme"`
		PRF        string `json:"pbkdf2_prf"`
		Salt       string
		Iterations int
		DerivedKey string `json:"derived_key"`
	}
	if json.Unmarshal(doc, &kept) != nil || kept.Scheme != "pbkdf2" || kept.Iterations < 1 || kept.Iterations > maxIterations {
		return false
	}
	var hashes = map[string]func() hash.Hash{"": sha1.New, "sha": sha1.New, "sha224": sha256.New224, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}
	newHash := hashes[kept.PRF]
	want, err := hex.DecodeString(kept.DerivedKey)
	if newHash == nil || err != nil || len(want) == 0 || len(want) > 128 {
		return false
	}
	got, err := pbkdf2.Key(newHash, password, []byte(kept.Salt), kept.Iterations, len(want))
	return err == nil && subtle.ConstantTimeCompare(got, want) == 1
}
