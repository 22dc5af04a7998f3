package geoip

import (
	"bytes"
	"strconv"

	"logctl/format/token"
	"logctl/store"
	"logctl/store/ejson"
)

// What a member's name gets behind it.
const (
	kindSuffix    = "_kind"
	countrySuffix = "_country"
	asnSuffix     = "_asn"
	orgSuffix     = "_as_org"
	networkSuffix = "_network"
)

// maxAddresses bounds what a doc with very many addresses grows to.
const maxAddresses = 16

var suffixes = [][]byte{[]byte(kindSuffix), []byte(countrySuffix), []byte(asnSuffix), []byte(orgSuffix), []byte(networkSuffix)}

// Extend adds to the doc in buf[start:], a JSON object in stored form, what is known of its addresses, and gives buf back.
// Addresses are the members whose whole value is one, or is a network; a member named ip, or whose name ends in _ip, is taken
// for one whatever text it holds. For a member ip these follow the doc's own members:
//
//	ip_kind     of a special address, see Kind, or "malformed"
//	ip_country  ip_asn  ip_as_org   as far as the databases know them
//	ip_network  see Parse
//
// A member of which the doc has one of these already is left alone, so that a doc extended twice stays as it was after the
// first time. Nothing is added after the first maxAddresses.
func (db *DB) Extend(buf []byte, start int) []byte {
	doc := buf[start:]
	out, n := buf, 0
	_ = ejson.Members(doc, func(key, value []byte) error { // what is no object stays as it is
		if value[0] != '"' || n == maxAddresses {
			return nil
		}
		text := value[1 : len(value)-1]
		ok := token.IsIP(text) || token.IsNetwork(text)
		if !ok && !named(key) || !plainName(key) || ours(key) {
			return nil
		}
		if n++; extended(doc, key) {
			return nil
		}
		var k known
		if ok {
			k = db.recall(text)
		}
		out = append(k.appendTo(out[:len(out)-1], key), '}') // doc has been read, so its brace may be written over
		return nil
	})
	return out
}

// appendTo appends the members about the address that the member key is.
func (k *known) appendTo(dst, key []byte) []byte {
	if !k.valid {
		return store.AppendJSONString(appendName(dst, key, kindSuffix), Malformed)
	}
	if k.Kind != "" {
		dst = store.AppendJSONString(appendName(dst, key, kindSuffix), k.Kind)
	}
	if k.Country != "" {
		dst = store.AppendJSONString(appendName(dst, key, countrySuffix), k.Country)
	}
	if k.ASN != 0 {
		dst = strconv.AppendUint(appendName(dst, key, asnSuffix), uint64(k.ASN), 10)
	}
	if k.Org != "" {
		dst = store.AppendJSONString(appendName(dst, key, orgSuffix), k.Org)
	}
	return store.AppendJSONString(appendName(dst, key, networkSuffix), k.network)
}

// appendName appends a comma and the name that a member gets with a suffix.
func appendName(dst, key []byte, suffix string) []byte {
	dst = append(append(dst, `,"`...), key...)
	return append(append(dst, suffix...), `":`...)
}

// named tells whether a member should be an address by its name.
func named(key []byte) bool { return string(key) == "ip" || bytes.HasSuffix(key, []byte("_ip")) }

// ours tells whether a member's name is one that Extend gives: a network is no address to look up.
func ours(key []byte) bool {
	for _, suffix := range suffixes {
		if bytes.HasSuffix(key, suffix) {
			return true
		}
	}
	return false
}

// plainName tells whether a member's name stands in JSON as it is and may have something behind it: behind no name at all it
// would begin with an underscore, as only the stores' own members do.
func plainName(key []byte) bool {
	if len(key) == 0 {
		return false
	}
	for _, c := range key {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// extended tells whether a doc has a member of key's with one of the suffixes. A quotation mark inside a string is escaped, so
// the text looked for can only be a name; one deeper down in the doc counts too, which is rare and costs no more than the
// members.
func extended(doc, key []byte) bool {
	for rest := doc; ; {
		i := bytes.Index(rest, key)
		if i < 0 {
			return false
		}
		for _, suffix := range suffixes {
			tail, ok := bytes.CutPrefix(rest[i+len(key):], suffix)
			if ok && i > 0 && rest[i-1] == '"' && bytes.HasPrefix(tail, []byte(`":`)) {
				return true
			}
		}
		rest = rest[i+1:]
	}
}
