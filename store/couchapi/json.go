package couchapi

import (
	"encoding/json"

	"logctl/store"
	"logctl/store/ejson"
)

// jsonSpace is what JSON takes for white space.
const jsonSpace = " \t\r\n"

// needObject checks that src is JSON and an object.
func needObject(src []byte) error {
	err := ejson.Members(src, func(_, _ []byte) error { return nil })
	if err == nil {
		return nil
	}
	if _, bad := ejson.Compact(nil, src); bad != nil {
		return bad
	}
	return errBadRequest(reasonNotObject)
}

// members are the members of an object, raw; the last of equal keys counts.
func members(src []byte) (map[string]json.RawMessage, error) {
	m := map[string]json.RawMessage{}
	err := ejson.Members(src, func(key, value []byte) error {
		m[string(key)] = value
		return nil
	})
	return m, err
}

// text decodes a JSON string.
func text(raw []byte) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

// appendRev appends a revision as a JSON string.
func appendRev(dst []byte, rev store.Rev) []byte {
	dst = append(dst, '"')
	dst = append(dst, rev.String()...)
	return append(dst, '"')
}
