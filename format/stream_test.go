package format

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		for _, workers := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d workers", tt.name, workers), func(t *testing.T) {
				t.Parallel()
				s, out := newStream(t, Options{Schemas: []string{"$k $v"}})
				s.MaxLine, s.Verbose, s.Terminal, s.Workers = 10, tt.verbose, tt.terminal, workers
				if err := s.Copy(t.Context(), iotest.OneByteReader(strings.NewReader(in))); err != nil {
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

// TestStreamIsPrompt sees each object while the input waits, with several workers, too.
func TestStreamIsPrompt(t *testing.T) {
	t.Parallel()
	s, _ := newStream(t, Options{Schemas: []string{"$k"}})
	s.Workers = 3
	in, input := io.Pipe()
	output, out := io.Pipe()
	s.Out = out
	done := make(chan error, 1)
	go func() { done <- s.Copy(t.Context(), in) }()
	written := bufio.NewScanner(output)
	for _, k := range []string{"a", "b", "c"} {
		fmt.Fprintln(input, k)
		if !written.Scan() || written.Text() != `{"k":"`+k+`"}` {
			t.Fatalf("%q after %s", written.Text(), k)
		}
	}
	input.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestStreamOrder has lines that take a worker very different times.
func TestStreamOrder(t *testing.T) {
	t.Parallel()
	var in, want bytes.Buffer
	for i := range 3000 {
		word := strings.Repeat("x", i*7919%997)
		fmt.Fprintf(&in, "%d %s\n", i, word)
		if word != "" {
			fmt.Fprintf(&want, "{\"n\":%d,\"word\":%q}\n", i, word)
		}
	}
	s, out := newStream(t, Options{Schemas: []string{"$n:int $word"}})
	s.Workers = 4
	for range 2 { // it can be used again
		if err := s.Copy(t.Context(), iotest.HalfReader(bytes.NewReader(in.Bytes()))); err != nil {
			t.Fatal(err)
		}
	}
	if twice := want.String() + want.String(); out.String() != twice {
		t.Errorf("%d bytes of output, want %d in the order of the lines", out.Len(), len(twice))
	}
	if s.Counts.Matched+s.Counts.Rejected != 6000 {
		t.Errorf("%+v", s.Counts)
	}
}

func TestStreamErrors(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprintf("%d workers", workers), func(t *testing.T) {
			t.Parallel()
			testStreamErrors(t, workers)
		})
	}
}

func testStreamErrors(t *testing.T, workers int) {
	torn := errors.New("torn")
	s, out := newStream(t, Options{Schemas: []string{"$k"}})
	s.Workers = workers
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

// TestNothingUnseen shows that characters which a person does not see, or which change what they see, are written out for a terminal,
// and that an object stays the same value.
func TestNothingUnseen(t *testing.T) {
	t.Parallel()
	const in = "\ufeffa\u202eb\u2066c\u2028\U000e0041\u00adé\u00a0\t\x7f"
	const want = `\ufeffa\u202eb\u2066c\u2028\udb40\udc41\u00adé` + "\u00a0\t" + `\x7f`
	if got := string(AppendVisible(nil, []byte(in))); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	object, err := json.Marshal(map[string]string{"a": in})
	if err != nil {
		t.Fatal(err)
	}
	shown := escapeControls(append([]byte("x"), object...), 1)
	if bytes.ContainsFunc(shown, isControl) {
		t.Errorf("%q", shown)
	}
	var back map[string]string
	if err := json.Unmarshal(shown[1:], &back); err != nil || back["a"] != in {
		t.Errorf("%q %v", back["a"], err)
	}
}
