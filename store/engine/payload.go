package engine

import (
	"encoding/binary"
	"math"

	"logctl/store"
)

// A payload is what is kept of a revision: its body or, where it has attachments, a record of them and the body after it.
// The two are told apart by their first byte: a body's is a brace. FORMAT.md draws it.

// flagGzip marks an attachment whose stored bytes are compressed.
const flagGzip byte = 0x01

// payload is a doc's as it is stored; without attachments it is the body itself.
func payload(doc *store.Doc) []byte {
	b := body(doc)
	if len(doc.Attachments) == 0 {
		return b
	}
	n := len(b) + binary.MaxVarintLen64
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		n += 1 + len(a.Name) + len(a.Type) + len(a.MD5) + 6*binary.MaxVarintLen64
	}
	dst := append(make([]byte, 0, n), recordV1)
	dst = binary.AppendUvarint(dst, uint64(len(doc.Attachments)))
	for i := range doc.Attachments {
		dst = appendAttachment(dst, &doc.Attachments[i])
	}
	return append(dst, b...)
}

func appendAttachment(dst []byte, a *store.Attachment) []byte {
	flags := recordV1
	if a.Gzip {
		flags |= flagGzip
	}
	dst = append(dst, flags)
	for _, s := range [...]string{a.Name, a.Type} {
		dst = append(binary.AppendUvarint(dst, uint64(len(s))), s...)
	}
	dst = append(dst, a.MD5[:]...)
	for _, n := range [...]uint64{uint64(a.RevPos), uint64(a.Length), uint64(a.Stored), a.Blob} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

// hasAttachments tells whether a payload is one of a revision with attachments.
func hasAttachments(p []byte) bool { return len(p) > 0 && p[0] != '{' }

// splitPayload takes a payload apart; the body is a part of it.
func splitPayload(p []byte) (body []byte, atts []store.Attachment, err error) {
	if !hasAttachments(p) {
		return p, nil, nil
	}
	d := decoder{src: p}
	d.version()
	count := d.uvarint()
	if count > uint64(len(d.src)) {
		d.short()
		count = 0
	}
	atts = make([]store.Attachment, count)
	for i := range atts {
		d.attachment(&atts[i])
	}
	return d.src, atts, d.err("attachments of a doc")
}

func (d *decoder) attachment(a *store.Attachment) {
	a.Gzip = d.version()&flagGzip != 0
	a.Name = string(d.bytes(d.uvarint()))
	a.Type = string(d.bytes(d.uvarint()))
	copy(a.MD5[:], d.bytes(uint64(len(a.MD5))))
	a.RevPos = int(d.size())
	a.Length, a.Stored, a.Blob = d.size(), d.size(), d.uvarint()
}

// size is a uvarint that fits an int64.
func (d *decoder) size() int64 {
	n := d.uvarint()
	if n > math.MaxInt64 {
		d.short()
		return 0
	}
	return int64(n)
}

// setPayload gives doc what a payload holds.
func setPayload(doc *store.Doc, p []byte) (err error) {
	doc.Body, doc.Attachments, err = splitPayload(p)
	return err
}

// externalSize is what a payload counts for in the database's external size: its body and the bytes of its attachments.
func externalSize(p []byte) (uint64, error) {
	body, atts, err := splitPayload(p)
	n := uint64(len(body))
	for i := range atts {
		n += uint64(atts[i].Length)
	}
	return n, err
}
