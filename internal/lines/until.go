package lines

import (
	"context"
	"errors"
	"io"
)

// ErrInterrupted says that somebody wants no more.
var ErrInterrupted = errors.New("interrupted")

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// Until is in, but that its reads end with ctx, which one that waits for somebody to type does not do by itself. The last of
// them is left behind, with what it may get.
func Until(ctx context.Context, in io.Reader) io.Reader {
	var buf []byte
	return readFunc(func(p []byte) (int, error) {
		if ctx.Err() != nil {
			return 0, ErrInterrupted
		}
		if len(buf) < len(p) {
			buf = make([]byte, len(p))
		}
		type result struct {
			n   int
			err error
		}
		done := make(chan result, 1)
		go func() {
			n, err := in.Read(buf[:len(p)])
			done <- result{n, err}
		}()
		select {
		case <-ctx.Done():
			return 0, ErrInterrupted
		case r := <-done:
			return copy(p, buf[:r.n]), r.err
		}
	})
}
