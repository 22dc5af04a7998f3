package format

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func newStream(t testing.TB, o Options) (*Stream, *bytes.Buffer) {
	t.Helper()
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	return &Stream{Formatter: f, Out: out}, out
}

func TestStream(t *testing.T) {
	t.Parallel()
	const in = "a 1\r\nx\nb \u009b2\nlonger than ten\n\x1b[31mc\xff 3"
	tests := []struct {
		name              string
		verbose, terminal bool
		want              string
	}{
		{"plain", false, false, "{\"k\":\"a\",\"v\":\"1\"}\n{\"k\":\"b\",\"v\":\"\u009b2\"}\n{\"k\":\"\\u001b[31mc\uFFFD\",\"v\":\"3\"}\n"},
		{"terminal", false, true, "{\"k\":\"a\",\"v\":\"1\"}\n{\"k\":\"b\",\"v\":\"\\u009b2\"}\n{\"k\":\"\\u001b[31mc\uFFFD\",\"v\":\"3\"}\n"},
		{"verbose", true, true, "a 1\n{\"k\":\"a\",\"v\":\"1\"}\nx\n{NODATA}\nb \\x9b2\n{\"k\":\"b\",\"v\":\"\\u009b2\"}\nlonger tha\n{NODATA}\n" +
			"\\x1b[31mc\uFFFD 3\n{\"k\":\"\\u001b[31mc\uFFFD\",\"v\":\"3\"}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, out := newStream(t, Options{Schemas: []string{"$k $v"}})
			s.MaxLine, s.Verbose, s.Terminal = 10, tt.verbose, tt.terminal
			if err := s.Copy(t.Context(), strings.NewReader(in)); err != nil {
				t.Fatal(err)
			}
			if out.String() != tt.want {
				t.Errorf("got\n%q\nwant\n%q", out, tt.want)
			}
			if want := (Counts{Matched: 3, Rejected: 2, TooLong: 1}); s.Counts != want {
				t.Errorf("%+v, want %+v", s.Counts, want)
			}
		})
	}
}

func TestStreamSkips(t *testing.T) {
	t.Parallel()
	s, out := newStream(t, Options{Schemas: []string{"$k $v"}, Match: "a"})
	s.Verbose = true
	if err := s.Copy(t.Context(), strings.NewReader("a 1\nb 2\na\n")); err != nil {
		t.Fatal(err)
	}
	if want := (Counts{Matched: 1, Rejected: 1, Skipped: 1}); s.Counts != want {
		t.Errorf("%+v, want %+v", s.Counts, want)
	}
	if want := "a 1\n{\"k\":\"a\",\"v\":\"1\"}\nb 2\n{NODATA}\na\n{NODATA}\n"; out.String() != want {
		t.Errorf("got %q, want %q", out, want)
	}
}

// TestStreamWritesBeforeReading sees each object before the stream asks for more input.
func TestStreamWritesBeforeReading(t *testing.T) {
	t.Parallel()
	s, out := newStream(t, Options{Schemas: []string{"$k"}})
	asked := 0
	src := iotest.OneByteReader(readerFunc(func(p []byte) (int, error) {
		if want := asked / 2 * len(`{"k":"a"}`+"\n"); out.Len() != want {
			t.Errorf("read %d: %d bytes written, want %d", asked, out.Len(), want)
		}
		asked++
		if asked == 7 {
			return 0, io.EOF
		}
		p[0] = "a\n"[(asked-1)%2]
		return 1, nil
	}))
	if err := s.Copy(t.Context(), src); err != nil {
		t.Fatal(err)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	torn := errors.New("torn")
	s, out := newStream(t, Options{Schemas: []string{"$k"}})
	err := s.Copy(t.Context(), io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(torn)))
	if err != torn || out.String() != `{"k":"a"}`+"\n" {
		t.Errorf("input: %v after %q", err, out)
	}
	s.Out = failingWriter{torn}
	if err := s.Copy(t.Context(), strings.NewReader("a\n")); !errors.Is(err, ErrOutput) || !errors.Is(err, torn) {
		t.Errorf("output: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Copy(ctx, strings.NewReader("a\n")); err != context.Canceled {
		t.Errorf("context: %v", err)
	}
}
