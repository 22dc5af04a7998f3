package couchapi

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"hash"
	"io"
	"strings"

	"logctl/store"
	"logctl/store/zgzip"
)

// incoming is an attachment whose bytes are about to be stored.
type incoming struct {
	name, kind string
	revPos     int
	src        io.Reader
	gzip       bool   // src is compressed
	length     int64  // what src has when it is read to its end; below zero: not known
	sum        []byte // what its MD5 must be, nil: anything
	identity   int64  // with gzip: what is said of its length uncompressed, below zero: nothing
}

// storeAttachment stores the bytes of an attachment, compressed where its type is one that compresses. Until the doc is
// written it belongs to the exchange, which discards it at its end if no doc has come to refer to it.
func (x *exchange) storeAttachment(in incoming) (store.Attachment, error) {
	limit := x.h.settings.maxAttachment()
	if limit >= 0 && in.length > limit {
		return store.Attachment{}, errAttachmentTooLarge(in.name)
	}
	m := measure{src: in.src, sum: md5.New()}
	compress := !in.gzip && x.h.settings.compresses(in.kind)
	a, err := x.db.Upload(x.ctx(), func(w io.Writer) error {
		src := io.Reader(&m)
		if limit >= 0 {
			src = io.LimitReader(src, limit+1)
		}
		err := copyAttachment(w, src, compress)
		if err == nil && limit >= 0 && m.n > limit {
			err = errAttachmentTooLarge(in.name)
		}
		if err == nil {
			err = in.check(&m)
		}
		return err
	})
	if err != nil {
		return a, err
	}
	x.uploads = append(x.uploads, a.Blob)
	a.Name, a.Type, a.RevPos = in.name, in.kind, in.revPos
	switch {
	case compress:
		a.Gzip, a.Length = true, m.n
	case in.gzip:
		a.Gzip = true
		if x.unzipsTo(a, in.identity) {
			a.Length = in.identity
		}
	}
	return a, x.ctx().Err()
}

// unzipsTo tells whether an attachment has n bytes uncompressed. It decompresses no more than those; n may be anything.
func (x *exchange) unzipsTo(a store.Attachment, n int64) bool {
	if n < 0 || n == a.Stored { // the latter says that nobody has counted
		return false
	}
	src := x.attachmentBytes(a)
	for buf := make([]byte, 32<<10); n >= 0 && x.ctx().Err() == nil; {
		got, err := src.Read(buf)
		n -= int64(got)
		if err != nil {
			return n == 0 && err == io.EOF
		}
	}
	return false
}

// check compares what came with what was announced.
func (in *incoming) check(m *measure) error {
	switch {
	case in.length >= 0 && m.n < in.length:
		return errBadRequest("attachment shorter than expected")
	case in.length >= 0 && m.n > in.length:
		return errBadRequest("attachment longer than expected")
	case in.sum != nil && !bytes.Equal(m.sum.Sum(nil), in.sum):
		return &store.Error{Kind: store.KindBadRequest, Word: "content_md5_mismatch", Reason: "Possible message corruption."}
	}
	return nil
}

func copyAttachment(w io.Writer, src io.Reader, compress bool) error {
	if !compress {
		_, err := io.Copy(w, src)
		return err
	}
	z := zgzip.NewWriter(w)
	_, err := io.Copy(z, src)
	return errors.Join(err, z.Close())
}

// measure counts and sums up what is read through it.
type measure struct {
	src io.Reader
	sum hash.Hash
	n   int64
}

func (m *measure) Read(p []byte) (int, error) {
	n, err := m.src.Read(p)
	m.sum.Write(p[:n])
	m.n += int64(n)
	return n, err
}

// endUploads removes what the exchange has stored for docs that were not written.
func (x *exchange) endUploads() {
	if len(x.uploads) == 0 {
		return
	}
	err := x.db.Discard(context.WithoutCancel(x.ctx()), x.uploads...)
	if err != nil && !store.IsKind(err, store.KindNotFound) { // the next start of the server removes it
		x.h.o.Log.Warn("attachments left over", "db", x.db.Name(), "err", err)
	}
}

// copyAttachments stores attachments again, for another doc: each doc has its own.
func (x *exchange) copyAttachments(atts []store.Attachment) ([]store.Attachment, error) {
	var copies []store.Attachment
	for _, a := range atts {
		c, err := x.db.Upload(x.ctx(), func(w io.Writer) error {
			_, err := io.Copy(w, x.db.Attachment(a))
			return err
		})
		if err != nil {
			return nil, err
		}
		x.uploads = append(x.uploads, c.Blob)
		a.Blob = c.Blob
		copies = append(copies, a)
	}
	return copies, nil
}

// follower gives the bytes of the i-th of a doc's attachments, which follow the doc.
type follower func(given []givenAtt, i int) (io.Reader, error)

// attach gives a doc the attachments that came with it; follow is nil where there are no parts that could follow.
func (x *exchange) attach(doc *store.Doc, raw []byte, newEdits bool, follow follower) error {
	if raw == nil {
		return nil
	}
	given, err := parseAttachments(raw)
	if err != nil || strings.HasPrefix(doc.ID, localPrefix) { // local docs lose theirs
		return err
	}
	before, err := x.attachmentsBefore(doc, given, newEdits)
	if err != nil {
		return err
	}
	doc.Attachments = make([]store.Attachment, len(given))
	for i := range given {
		g := &given[i]
		if g.stub {
			doc.Attachments[i], err = before.find(doc.ID, g)
		} else {
			doc.Attachments[i], err = x.storeGiven(doc, given, i, newEdits, follow)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// storeGiven stores an attachment that comes with its bytes.
func (x *exchange) storeGiven(doc *store.Doc, given []givenAtt, i int, newEdits bool, follow follower) (store.Attachment, error) {
	g := &given[i]
	in := incoming{name: g.name, kind: g.kind, revPos: g.revPos, length: -1, identity: -1}
	if newEdits {
		in.revPos = doc.Rev.Gen + 1
	}
	if !g.follows {
		in.src = base64.NewDecoder(base64.StdEncoding, strings.NewReader(g.base64Text()))
		a, err := x.storeAttachment(in)
		var corrupt base64.CorruptInputError
		if errors.As(err, &corrupt) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = g.invalid()
		}
		return a, err
	}
	if follow == nil {
		return store.Attachment{}, errBadRequest("Attachments can follow in a multipart/related request only.")
	}
	var err error
	if in.src, err = follow(given, i); err != nil {
		return store.Attachment{}, err
	}
	in.gzip, in.length, in.identity, in.sum = g.gzip, g.encoded, g.length, g.sum
	return x.storeAttachment(in)
}

// earlier are the attachments that stubs stand for.
type earlier struct {
	atts []store.Attachment
	lost bool // the edit conflicts, which is for the engine to say, or is here already
}

// attachmentsBefore reads the attachments of the revision that a doc with stubs replaces: the one that an edit names or, of a
// revision from elsewhere, the nearest of its ancestors that is here.
func (x *exchange) attachmentsBefore(doc *store.Doc, given []givenAtt, newEdits bool) (earlier, error) {
	stub := -1
	for i := range given {
		if given[i].stub {
			stub = i
		}
	}
	if stub < 0 {
		return earlier{}, nil
	}
	old, err := x.replaced(doc, newEdits)
	if err != nil {
		return earlier{}, err
	}
	var e earlier
	if old != nil {
		e.atts = old.Attachments
	}
	if newEdits {
		e.lost = store.IsKind(x.checkConflict(doc), store.KindConflict)
	} else if _, err = x.db.GetRev(doc.ID, doc.Rev); !store.IsKind(err, store.KindNotFound) {
		e.lost = true // it is here already: nothing will be written
		return e, err
	}
	return e, nil
}

// find is the attachment that a stub stands for: of the same name and, where the stub tells it, generation.
func (e *earlier) find(id string, g *givenAtt) (store.Attachment, error) {
	a, ok := findAtt(e.atts, g.name)
	if ok && (!g.hasRevPos || g.revPos == a.RevPos) {
		return a, nil
	}
	if e.lost {
		return store.Attachment{Name: g.name, Type: g.kind}, nil
	}
	return a, &store.Error{Kind: store.KindMissingStub, Reason: "Invalid attachment stub in " + id + " for " + g.name}
}
