package mango

import (
	"encoding/json"
	"strconv"

	"logctl/store"
)

// refuse is CouchDB's answer to a query that it can't take.
func refuse(word, reason string) error {
	return &store.Error{Kind: store.KindBadRequest, Word: word, Reason: reason}
}

func badArg(op string, arg []byte) error {
	return refuse("bad_arg", "Bad argument for operator "+op+": "+term(arg))
}

// text decodes a JSON string.
func text(raw []byte) string {
	if len(raw) > 1 && raw[0] == '"' && isPlain(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// maxTerm bounds the part of a value that is shown in a reason.
const maxTerm = 500

// term is a JSON value as CouchDB shows it in a reason: an Erlang term, its strings as lists of bytes. A long one is cut.
func term(raw []byte) string {
	dst := appendTerm(nil, raw, func(dst []byte, s string) []byte {
		for i := range len(s) {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, uint64(s[i]), 10)
		}
		return dst
	})
	if len(dst) > maxTerm {
		return string(dst[:maxTerm]) + "..."
	}
	return string(dst)
}

// Term is a JSON value as CouchDB shows it in a reason: an Erlang term with readable strings. A long one is cut.
func Term(raw []byte) string {
	dst := appendTerm(nil, raw, func(dst []byte, s string) []byte { return strconv.AppendQuote(dst, s) })
	if len(dst) > maxTerm {
		return string(dst[:maxTerm]) + "..."
	}
	return string(dst)
}

func appendTerm(dst, raw []byte, str func(dst []byte, s string) []byte) []byte {
	if len(dst) > maxTerm {
		return dst
	}
	first := true
	comma := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	switch {
	case isString(raw):
		if dst = append(dst, "<<"...); string(raw) != `""` {
			dst = str(dst, text(raw))
		}
		return append(dst, ">>"...)
	case isArray(raw):
		dst = append(dst, '[')
		eachElement(raw, func(elem []byte) bool {
			comma()
			dst = appendTerm(dst, elem, str)
			return len(dst) <= maxTerm
		})
		return append(dst, ']')
	case isObject(raw):
		dst = append(dst, "{["...)
		eachMember(raw, func(key, value []byte) bool {
			comma()
			dst = append(str(append(dst, "{<<"...), text(key)), ">>,"...)
			dst = append(appendTerm(dst, value, str), '}')
			return len(dst) <= maxTerm
		})
		return append(dst, "]}"...)
	}
	return append(dst, raw...)
}
