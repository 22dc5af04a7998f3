package couchapi

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"

	"logctl/store"
	"logctl/store/headers"
)

// maxRanges is from how many ranges on the whole is sent instead.
const maxRanges = 10

// part reads a range of an attachment that is not compressed.
func (x *exchange) part(a store.Attachment, b headers.Range) (io.Reader, error) {
	r := x.db.Attachment(a)
	_, err := r.Seek(b.From, io.SeekStart)
	return io.LimitReader(r, b.To-b.From+1), err
}

func (x *exchange) sendRange(a store.Attachment, b headers.Range) error {
	src, err := x.part(a, b)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Range", b.Content(a.Length))
	return x.sendBytes(b.To-b.From+1, http.StatusPartialContent, src)
}

// sendRanges sends several ranges as the parts of a MIME message.
func (x *exchange) sendRanges(a store.Attachment, ranges []headers.Range) error {
	boundary := newBoundary()
	x.w.Header().Set("Content-Type", `multipart/byteranges; boundary="`+boundary+`"`)
	var parts []io.Reader
	for _, b := range ranges {
		src, err := x.part(a, b)
		if err != nil {
			return err
		}
		head := fmt.Sprintf("--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, a.Type, b.Content(a.Length))
		parts = append(parts, strings.NewReader(head), src, strings.NewReader("\r\n"))
	}
	parts = append(parts, strings.NewReader("--"+boundary+"--"))
	return x.sendBytes(-1, http.StatusPartialContent, io.MultiReader(parts...))
}

// newBoundary is what parts the parts of a MIME message.
func newBoundary() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails
	return hex.EncodeToString(raw[:])
}
