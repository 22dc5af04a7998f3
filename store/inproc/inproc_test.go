package inproc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"logctl/store"
)

// TestAbortedAnswer shows that an answer that is cut off does not look whole to who reads it within the process.
func TestAbortedAnswer(t *testing.T) {
	t.Parallel()
	tr := Transport(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte("half")); err == nil {
			panic(http.ErrAbortHandler)
		}
	}), store.Caller{})
	r, err := http.NewRequestWithContext(context.Background(), "GET", "http://store/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, err := io.ReadAll(res.Body); string(got) != "half" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%q, %v", got, err)
	}
}
