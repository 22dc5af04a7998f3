// Package headers reads headers of requests as CouchDB does.
package headers

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"logctl/store"
)

// List are the elements of a list with commas between.
func List(s string) []string {
	var out []string
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// Accepts tells whether the client takes a content type. As in CouchDB, one that takes everything takes that, too.
func Accepts(r *http.Request, kind string) bool {
	main, _, _ := strings.Cut(kind, "/")
	list := List(strings.Join(r.Header.Values("Accept"), ","))
	if len(list) == 0 {
		return true
	}
	refused := func(s string) bool {
		name, weight, _ := strings.Cut(strings.ReplaceAll(s, " ", ""), ";")
		return (name == kind || name == main+"/*") && isZeroWeight(weight)
	}
	return !slices.ContainsFunc(list, refused) && slices.ContainsFunc(list, func(s string) bool {
		name, weight, _ := strings.Cut(strings.ReplaceAll(s, " ", ""), ";")
		return (name == kind || name == main+"/*" || name == "*/*") && !isZeroWeight(weight)
	})
}

// isZeroWeight tells a parameter that refuses what it stands at: q=0, q=0.0.
func isZeroWeight(s string) bool {
	s, ok := strings.CutPrefix(s, "q=0")
	return ok && strings.Trim(s, ".0") == ""
}

// AcceptsGzip tells whether the client takes a gzip coding.
func AcceptsGzip(r *http.Request) bool {
	return slices.ContainsFunc(List(r.Header.Get("Accept-Encoding")), func(s string) bool {
		coding, weight, _ := strings.Cut(s, ";")
		coding, weight = strings.TrimSpace(coding), strings.ReplaceAll(weight, " ", "")
		return (strings.EqualFold(coding, "gzip") || coding == "*") && !isZeroWeight(weight)
	})
}

// Range is a part of a body, both ends included.
type Range struct{ From, To int64 }

// Ranges reads a Range header. None come back where the whole is to be sent: also for a header that can't be read, and
// for "bytes=0-". The error is of KindBadRange.
func Ranges(header string, length int64) ([]Range, error) {
	list, ok := strings.CutPrefix(header, "bytes=")
	if !ok {
		return nil, nil
	}
	var ranges []Range
	for _, s := range List(list) {
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
		ranges = append(ranges, Range{from, to})
	}
	return ranges, nil
}

func errBadRange() error {
	return store.NewError(store.KindBadRange, "Requested range not satisfiable")
}

// Content is the Content-Range of it in a body of that length.
func (b Range) Content(length int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", b.From, b.To, length)
}

// TypeIn tells whether a Content-Type, but for its parameters, is one of a list with commas between, in which a * stands for any text.
func TypeIn(kind, list string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.TrimSpace(kind)
	for _, pattern := range List(list) {
		head, tail, any := strings.Cut(pattern, "*")
		if !any && strings.EqualFold(kind, pattern) ||
			any && len(kind) >= len(pattern)-1 && strings.EqualFold(kind[:len(head)], head) &&
				strings.EqualFold(kind[len(kind)-len(tail):], tail) {
			return true
		}
	}
	return false
}
