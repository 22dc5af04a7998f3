package store

import (
	"crypto/md5"
	"encoding/base64"
	"strconv"
)

// Attachment is what a doc says of one of its attachments; the bytes are elsewhere in its database.
//
// Stored are the bytes as they are kept: gzipped where Gzip is set, which CouchDB does by itself with types that compress
// and leaves where a client has compressed them.
type Attachment struct {
	Name, Type string
	RevPos     int            // generation of the revision that brought it
	MD5        [md5.Size]byte // of the stored bytes
	Length     int64          // of the bytes a reader sees; of the stored ones where nobody has counted those
	Stored     int64          // of the stored bytes
	Gzip       bool
	Blob       uint64 // names the stored bytes within the database; zero for an attachment that is yet to be found
}

// Digest is the attachment's, as CouchDB shows it: "md5-" and base64.
func (a *Attachment) Digest() string { return "md5-" + base64.StdEncoding.EncodeToString(a.MD5[:]) }

// AppendInfo appends the members of the attachment's JSON object that tell of it, without braces: its type, generation and
// digest.
func (a *Attachment) AppendInfo(dst []byte) []byte {
	dst = AppendJSONString(append(dst, `"content_type":`...), a.Type)
	dst = strconv.AppendInt(append(dst, `,"revpos":`...), int64(a.RevPos), 10)
	dst = append(dst, `,"digest":"`...)
	dst = append(dst, a.Digest()...)
	return append(dst, '"')
}

// AppendStub appends the attachment as it stands in a doc that comes without its attachments.
func (a *Attachment) AppendStub(dst []byte) []byte {
	dst = a.AppendInfo(append(dst, '{'))
	dst = strconv.AppendInt(append(dst, `,"length":`...), a.Length, 10)
	return append(dst, `,"stub":true}`...)
}

// AppendStubs appends the member _attachments, if there is anything in it, to an object that is still open.
func AppendStubs(dst []byte, atts []Attachment) []byte {
	for i := range atts {
		if i == 0 {
			dst = append(dst, `,"_attachments":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(AppendJSONString(dst, atts[i].Name), ':')
		dst = atts[i].AppendStub(dst)
	}
	if len(atts) > 0 {
		dst = append(dst, '}')
	}
	return dst
}
