package couchapi

import (
	"io"
	"strconv"
	"strings"

	"logctl/store"
)

// relatedType is the content type of a doc whose attachments follow it, plain JSON where none do.
func (d *shownDoc) relatedType(boundary string) string {
	if len(d.shown()) == 0 {
		return "application/json"
	}
	return `multipart/related; boundary="` + boundary + `"`
}

// writeRelated writes a doc with the attachments that follow it. measured, if not nil, is told beforehand how long all of it is.
func (d *shownDoc) writeRelated(s *stream, boundary string, measured func(n int64)) error {
	d.o.atts.follow, d.o.atts.encoding = true, true
	parts := d.shown()
	if len(parts) == 0 {
		return d.write(s)
	}
	s.buf = append(append(append(s.buf, "--"...), boundary...), "\r\nContent-Type: application/json\r\n\r\n"...)
	if err := d.write(s); err != nil {
		return err
	}
	if measured != nil {
		n := int64(len(s.buf) + len("\r\n--"+boundary+"--"))
		for i := range parts {
			n += int64(len(appendPartHead(nil, boundary, &parts[i]))) + parts[i].Stored
		}
		measured(n)
	}
	for i := range parts {
		s.buf = appendPartHead(s.buf, boundary, &parts[i])
		if _, err := io.Copy(streamWriter{s}, s.x.db.Attachment(parts[i])); err != nil { // as it is stored
			return err
		}
	}
	s.buf = append(append(append(s.buf, "\r\n--"...), boundary...), "--"...)
	return nil
}

// appendPartHead appends what goes before an attachment in a message.
func appendPartHead(dst []byte, boundary string, a *store.Attachment) []byte {
	dst = append(append(dst, "\r\n--"...), boundary...)
	dst = append(append(append(dst, "\r\nContent-Disposition: attachment; filename=\""...), headerText(a.Name)...), '"')
	dst = append(append(dst, "\r\nContent-Type: "...), headerText(a.Type)...)
	dst = strconv.AppendInt(append(dst, "\r\nContent-Length: "...), a.Stored, 10)
	if a.Gzip {
		dst = append(dst, "\r\nContent-Encoding: gzip"...)
	}
	return append(dst, "\r\n\r\n"...)
}

// headerText is s without what would end a header's line.
func headerText(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", "", "\n", "").Replace(s)
}

// sendRelated answers with a doc and its attachments as the parts of a MIME message.
func (x *exchange) sendRelated(d *shownDoc) error {
	boundary := newBoundary()
	x.w.Header().Set("Content-Type", d.relatedType(boundary))
	s := x.stream()
	defer s.free()
	err := d.writeRelated(s, boundary, func(n int64) { x.w.Header().Set("Content-Length", strconv.FormatInt(n, 10)) })
	if err != nil {
		return err
	}
	return s.end()
}
