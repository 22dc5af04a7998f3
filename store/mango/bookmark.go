package mango

import (
	"encoding/base64"

	"logctl/store/ejson"
)

// Place is where a query's answer ended: the key, in the index, and the id of the last doc.
type Place struct {
	Key []byte // JSON
	ID  string
}

// Bookmark is what a client continues with: unpadded base64url of {"key":…,"id":…}.
func (p Place) Bookmark() string {
	dst := append([]byte(`{"key":`), p.Key...)
	dst = appendString(append(dst, `,"id":`...), p.ID)
	return base64.RawURLEncoding.EncodeToString(append(dst, '}'))
}

// ParseBookmark reads what Bookmark wrote.
func ParseBookmark(s string) (Place, error) {
	bad := errBookmark(appendString(nil, s))
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return Place{}, bad
	}
	if raw, err = ejson.Compact(nil, raw); err != nil {
		return Place{}, bad
	}
	key, id := findMember(raw, []byte(`"key"`)), findMember(raw, []byte(`"id"`))
	if key == nil || !isString(id) {
		return Place{}, bad
	}
	return Place{key, text(id)}, nil
}

func errBookmark(raw []byte) error {
	return refuse("invalid_bookmark", "Invalid bookmark value: "+string(raw))
}
