package lines

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestUntil(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("some words and ", 9999)
	got, err := io.ReadAll(Until(t.Context(), iotest.DataErrReader(iotest.HalfReader(strings.NewReader(text)))))
	if err != nil || string(got) != text {
		t.Errorf("%d of %d bytes: %v", len(got), len(text), err)
	}
}

// TestUntilEnds: a read that nobody answers ends when it is to, and so do those after it.
func TestUntilEnds(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	r := Until(ctx, in)
	ended := make(chan error, 1)
	go func() {
		_, err := r.Read(make([]byte, 4))
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, ErrInterrupted) {
		t.Errorf("Read: %v", err)
	}
	if n, err := Until(ctx, strings.NewReader("more")).Read(make([]byte, 4)); n != 0 || !errors.Is(err, ErrInterrupted) {
		t.Errorf("Read: %d, %v", n, err)
	}
}
