package couchapi

import (
	"encoding/base64"
	"io"
	"slices"
	"strconv"

	"logctl/store"
)

// attOptions say how the attachments of a doc are shown.
type attOptions struct {
	data     bool        // with their bytes; otherwise as stubs
	since    []store.Rev // of those that one of these revisions, an ancestor, has already: stubs all the same
	encoding bool        // tell how they are stored
	follow   bool        // the bytes follow in parts of their own
}

// attOptions are those of the query.
func (x *exchange) attOptions() (o attOptions, err error) {
	o.data, o.encoding = x.flag("attachments"), x.flag("att_encoding_info")
	if x.query().Has("atts_since") {
		o.data = true
		o.since, err = parseRevs([]byte(x.query().Get("atts_since")))
	}
	return o, err
}

// known is the generation up to which the reader has the attachments of the doc, below zero if it has none of them: what was
// replicated here may have come with zero.
func (d *shownDoc) known() int {
	if len(d.o.atts.since) == 0 || d.info == nil {
		return -1
	}
	for r := range lineage(d.tree, d.info) {
		if slices.Contains(d.o.atts.since, r.Rev) {
			return r.Rev.Gen
		}
	}
	return -1
}

// shown are the attachments whose bytes are shown.
func (d *shownDoc) shown() []store.Attachment {
	if !d.o.atts.data {
		return nil
	}
	known := d.known()
	var out []store.Attachment
	for _, a := range d.doc.Attachments {
		if a.RevPos > known {
			out = append(out, a)
		}
	}
	return out
}

// writeAttachments writes the member _attachments of a doc that is still open. Bytes go out as they are read.
func (d *shownDoc) writeAttachments(s *stream) error {
	if len(d.doc.Attachments) == 0 {
		return nil
	}
	known := d.known()
	s.buf = append(s.buf, `,"_attachments":{`...)
	for i := range d.doc.Attachments {
		a := &d.doc.Attachments[i]
		if i > 0 {
			s.buf = append(s.buf, ',')
		}
		s.buf = append(store.AppendJSONString(s.buf, a.Name), `:{`...)
		s.buf = a.AppendInfo(s.buf)
		if err := d.writeContent(s, a, a.RevPos > known); err != nil {
			return err
		}
		if d.o.atts.encoding && a.Gzip {
			s.buf = strconv.AppendInt(append(s.buf, `,"encoding":"gzip","encoded_length":`...), a.Stored, 10)
		}
		s.buf = append(s.buf, '}')
	}
	s.buf = append(s.buf, '}')
	return nil
}

// writeContent writes where the bytes of an attachment are: elsewhere, in a part that follows, or here.
func (d *shownDoc) writeContent(s *stream, a *store.Attachment, isNew bool) error {
	inline := d.o.atts.data && isNew && !d.o.atts.follow
	if !inline {
		s.buf = strconv.AppendInt(append(s.buf, `,"length":`...), a.Length, 10)
		if d.o.atts.data && isNew {
			s.buf = append(s.buf, `,"follows":true`...)
		} else {
			s.buf = append(s.buf, `,"stub":true`...)
		}
		return nil
	}
	s.buf = append(s.buf, `,"data":"`...)
	enc := base64.NewEncoder(base64.StdEncoding, streamWriter{s})
	_, err := io.Copy(enc, s.x.attachmentBytes(*a))
	if err == nil {
		err = enc.Close()
	}
	s.buf = append(s.buf, '"')
	return err
}

// streamWriter writes to a stream.
type streamWriter struct{ s *stream }

func (w streamWriter) Write(p []byte) (int, error) {
	w.s.buf = append(w.s.buf, p...)
	return len(p), w.s.spill()
}
