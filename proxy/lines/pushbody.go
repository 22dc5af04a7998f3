package lines

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/golang/snappy"

	"logctl/store"
)

// readPush reads the body of a push: JSON, packed with gzip or not, or protocol buffers packed with snappy.
func readPush(r *http.Request) ([]lokiStream, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		return nil, badPush("the Content-Type is not one")
	}
	isJSON := kind == "application/json"
	in := io.Reader(http.NoBody)
	if r.Body != nil {
		in = r.Body
	}
	in = io.LimitReader(in, maxPush+1) // packed, it is no larger than unpacked
	switch coding := r.Header.Get("Content-Encoding"); coding {
	case "":
	case "snappy":
		if isJSON {
			return nil, badPush(`Content-Encoding "snappy" does not go with JSON`)
		}
	case "gzip":
		if in, err = gzip.NewReader(in); err != nil {
			return nil, badPush("the body is not properly gzipped")
		}
	case "deflate":
		in = flate.NewReader(in)
	default:
		return nil, badPush(fmt.Sprintf("Content-Encoding %q not supported", coding))
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPush+1))
	switch {
	case len(text) > maxPush:
		return nil, tooLarge()
	case errors.Is(err, http.ErrHandlerTimeout), r.Context().Err() != nil:
		return nil, store.NewError(store.KindUnavailable, "the body came too slowly")
	case err != nil:
		return nil, badPush("the body could not be read")
	}
	if isJSON {
		return decodePushJSON(text)
	}
	n, err := snappy.DecodedLen(text)
	if err != nil {
		return nil, badPush("the body is neither JSON, by its Content-Type, nor packed with snappy")
	}
	if n > maxPush {
		return nil, tooLarge()
	}
	if text, err = snappy.Decode(nil, text); err != nil {
		return nil, badPush("the body is not properly packed with snappy")
	}
	return decodePushProto(text)
}

func tooLarge() error {
	return store.NewError(store.KindTooLarge, fmt.Sprintf("a push may have at most %d bytes", maxPush))
}
