package couchapi

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"logctl/store"
)

// maxRanges is from how many ranges on the whole is sent instead.
const maxRanges = 10

// byteRange is a part of an attachment, both ends included.
type byteRange struct{ from, to int64 }

// parseRanges reads a Range header. None come back where the whole is to be sent: also for a header that can't be read, and
// for "bytes=0-". The error is of KindBadRange.
func parseRanges(header string, length int64) ([]byteRange, error) {
	list, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return nil, nil
	}
	var ranges []byteRange
	for _, s := range splitList(list) {
		first, last, ok := strings.Cut(s, "-")
		from, err1 := strconv.ParseInt(first, 10, 64)
		to, err2 := strconv.ParseInt(last, 10, 64)
		switch {
		case !ok || first != "" && err1 != nil || last != "" && err2 != nil || first == "" && last == "":
			return nil, nil
		case first == "":
			from, to = max(0, length-to), length-1
		case last == "" && from == 0:
			return nil, nil
		case last == "":
			to = length - 1
		case to < from:
			return nil, errBadRange()
		}
		to = min(to, length-1)
		if to < from {
			return nil, errBadRange()
		}
		ranges = append(ranges, byteRange{from, to})
	}
	return ranges, nil
}

func errBadRange() error {
	return store.NewError(store.KindBadRange, "Requested range not satisfiable")
}

func (b byteRange) content(length int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", b.from, b.to, length)
}

// part reads a range of an attachment that is not compressed.
func (x *exchange) part(a store.Attachment, b byteRange) (io.Reader, error) {
	r := x.db.Attachment(a)
	_, err := r.Seek(b.from, io.SeekStart)
	return io.LimitReader(r, b.to-b.from+1), err
}

func (x *exchange) sendRange(a store.Attachment, b byteRange) error {
	src, err := x.part(a, b)
	if err != nil {
		return err
	}
	x.w.Header().Set("Content-Range", b.content(a.Length))
	return x.sendBytes(b.to-b.from+1, http.StatusPartialContent, src)
}

// sendRanges sends several ranges as the parts of a MIME message.
func (x *exchange) sendRanges(a store.Attachment, ranges []byteRange) error {
	boundary := newBoundary()
	x.w.Header().Set("Content-Type", `multipart/byteranges; boundary="`+boundary+`"`)
	var parts []io.Reader
	for _, b := range ranges {
		src, err := x.part(a, b)
		if err != nil {
			return err
		}
		head := fmt.Sprintf("--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n", boundary, a.Type, b.content(a.Length))
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
