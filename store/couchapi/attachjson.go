package couchapi

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"logctl/store"
	"logctl/store/ejson"
)

// givenAtt is one member of a doc's _attachments as a client gives it: with its data, as a stub of what the revision before
// has, or announced to follow in a part of its own.
type givenAtt struct {
	name, kind    string // kind: its content type
	data          []byte // base64, a JSON string; nil without
	oddKind       bool   // its content type is no string
	stub, follows bool
	revPos        int
	hasRevPos     bool
	length        int64 // below zero: not told
	encoded       int64 // of the bytes as they follow; below zero: not told
	gzip          bool
	sum           []byte // MD5 of the bytes as they follow, nil: not told
}

const defaultAttType = "application/octet-stream"

// parseAttachments reads the _attachments of a doc, in their order.
func parseAttachments(raw []byte) ([]givenAtt, error) {
	var atts []givenAtt
	err := ejson.Members(raw, func(name, value []byte) error {
		a := givenAtt{name: string(name), kind: defaultAttType, length: -1, encoded: -1}
		if err := checkAttName(a.name); err != nil {
			return err
		}
		if value[0] != '{' {
			return nil // CouchDB does not see it
		}
		err := ejson.Members(value, func(key, val []byte) error {
			a.take(string(key), val)
			return nil
		})
		if err == nil && (a.oddKind || !a.stub && !a.follows && a.data == nil) {
			err = a.invalid()
		}
		if a.encoded < 0 || !a.gzip {
			a.encoded = a.length
		}
		atts = append(atts, a)
		return err
	})
	return atts, err
}

func errLocalAttachments() error {
	return errBadRequest("_local documents do not accept attachments.")
}

// take takes one member of an attachment's object. But for the content type, what has another shape than it should is as if it
// were not there.
func (a *givenAtt) take(key string, val []byte) {
	switch key {
	case "content_type":
		s, ok := text(val)
		if a.oddKind = !ok; ok {
			a.kind = s
		}
	case "data":
		if val[0] == '"' {
			a.data = val
		}
	case "stub":
		a.stub = string(val) == "true"
	case "follows":
		a.follows = string(val) == "true"
	case "revpos":
		var n uint32
		a.hasRevPos = json.Unmarshal(val, &n) == nil
		a.revPos = int(n)
	case "length":
		takeLength(&a.length, val)
	case "encoded_length":
		takeLength(&a.encoded, val)
	case "encoding":
		a.gzip = string(val) == `"gzip"`
	case "digest":
		s, _ := text(val)
		if s, ok := strings.CutPrefix(s, "md5-"); ok {
			if sum, err := base64.StdEncoding.DecodeString(s); err == nil && len(sum) == md5.Size {
				a.sum = sum
			}
		}
	}
}

func takeLength(n *int64, val []byte) {
	if json.Unmarshal(val, n) != nil || *n < 0 {
		*n = -1
	}
}

func (a *givenAtt) invalid() error { return errBadRequest("Invalid attachment data for " + a.name) }

// checkAttName refuses a name that no attachment can have.
func checkAttName(name string) error {
	if strings.HasPrefix(name, "_") {
		return errBadRequest("Attachment name '" + name + "' starts with prohibited character '_'")
	}
	if !utf8.ValidString(name) {
		return errBadRequest("Attachment name is not UTF-8 encoded")
	}
	return nil
}

// base64Text is the text of the attachment's data, without blanks: those that end lines are skipped where it is decoded.
func (a *givenAtt) base64Text() string {
	s := string(a.data[1 : len(a.data)-1])
	if strings.Contains(s, `\`) {
		s, _ = text(a.data)
	}
	if strings.ContainsAny(s, " \t") {
		s = strings.NewReplacer(" ", "", "\t", "").Replace(s)
	}
	return s
}

// find is the attachment of that name.
func findAtt(atts []store.Attachment, name string) (store.Attachment, bool) {
	for _, a := range atts {
		if a.Name == name {
			return a, true
		}
	}
	return store.Attachment{}, false
}
