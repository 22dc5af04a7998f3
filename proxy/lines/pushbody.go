package lines

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/golang/snappy"

	"logctl/store"
)

// readPush reads the body of a push: JSON, packed with gzip or not, or protocol buffers packed with snappy. What it gives is in body's
// memory. size is how long it is as far as it was unpacked, also of one that is not acceptable.
func readPush(h http.Header, body []byte) (streams []lokiStream, size int, err error) {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil && h.Get("Content-Type") != "" {
		return nil, len(body), badPush("the Content-Type is not one")
	}
	isJSON := kind == "application/json"
	text, err := unpacked(h.Get("Content-Encoding"), body)
	size = max(len(body), len(text))
	switch {
	case len(text) > maxPush:
		return nil, size, tooLarge()
	case err != nil:
		return nil, size, err
	case isJSON && h.Get("Content-Encoding") == "snappy":
		return nil, size, badPush(`Content-Encoding "snappy" does not go with JSON`)
	}
	if isJSON {
		streams, err = decodePushJSON(text)
		return streams, size, err
	}
	n, err := snappy.DecodedLen(text)
	if err != nil {
		return nil, size, badPush("the body is neither JSON, by its Content-Type, nor packed with snappy")
	}
	if n > maxPush {
		return nil, size, tooLarge()
	}
	size = max(size, n)
	if text, err = snappy.Decode(nil, text); err != nil {
		return nil, size, badPush("the body is not properly packed with snappy")
	}
	streams, err = decodePushProto(text)
	return streams, size, err
}

func tooLarge() error {
	return store.NewError(store.KindTooLarge, fmt.Sprintf("a push may have at most %d bytes", maxPush))
}

// unpacked is a body without its coding, or its beginning: of more than maxPush bytes, or with an error.
func unpacked(coding string, body []byte) ([]byte, error) {
	var in io.Reader
	var err error
	switch coding {
	case "", "snappy":
		return body, nil
	case "gzip":
		if in, err = gzip.NewReader(bytes.NewReader(body)); err != nil {
			return nil, badPush("the body is not properly gzipped")
		}
	case "deflate":
		in = flate.NewReader(bytes.NewReader(body))
	default:
		return nil, badPush(fmt.Sprintf("Content-Encoding %q not supported", coding))
	}
	text, err := io.ReadAll(io.LimitReader(in, maxPush+1))
	if err != nil {
		return text, badPush("the body could not be read")
	}
	return text, nil
}
