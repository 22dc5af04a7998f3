package lines

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

type got struct {
	line       string
	tooLong    bool
	offset     int64
	terminated bool
}

func readAll(t *testing.T, r *Reader) ([]got, error) {
	t.Helper()
	var all []got
	for {
		line, tooLong, err := r.Next()
		if err != nil {
			return all, err
		}
		all = append(all, got{string(line), tooLong, r.Offset(), r.Terminated()})
	}
}

func TestNext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		in   string
		max  int
		want []got
	}{
		{"nothing", "", 0, nil},
		{"one", "a\n", 0, []got{{"a", false, 2, true}}},
		{"no line end", "a\nb", 0, []got{{"a", false, 2, true}, {"b", false, 3, false}}},
		{"empty lines", "\n\n", 0, []got{{"", false, 1, true}, {"", false, 2, true}}},
		{"crlf", "a\r\nb\r\r\n\r\nc\r", 0, []got{
			{"a", false, 3, true}, {"b\r", false, 7, true}, {"", false, 9, true}, {"c\r", false, 11, false}}},
		{"exactly the limit", "abc\nabc\r\nabc", 3, []got{
			{"abc", false, 4, true}, {"abc", false, 9, true}, {"abc", false, 12, false}}},
		{"over the limit", "abcd\nx\nabcdefgh\r\ny\nabcd", 3, []got{
			{"abc", true, 5, true}, {"x", false, 7, true}, {"abc", true, 17, true}, {"y", false, 19, true}, {"abc", true, 23, false}}},
		{"nul and high bytes", "\x00\xff\n", 0, []got{{"\x00\xff", false, 3, true}}},
	}
	sources := map[string]func(io.Reader) io.Reader{
		"whole":    func(r io.Reader) io.Reader { return r },
		"bytewise": iotest.OneByteReader,
		"data+EOF": iotest.DataErrReader,
	}
	for _, tt := range tests {
		for name, wrap := range sources {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				all, err := readAll(t, New(wrap(strings.NewReader(tt.in)), tt.max))
				if err != io.EOF {
					t.Errorf("err = %v, want EOF", err)
				}
				if len(all) != len(tt.want) {
					t.Fatalf("got %+v, want %+v", all, tt.want)
				}
				for i := range all {
					if all[i] != tt.want[i] {
						t.Errorf("line %d = %+v, want %+v", i, all[i], tt.want[i])
					}
				}
			})
		}
	}
}

func TestNextInputError(t *testing.T) {
	t.Parallel()
	torn := errors.New("torn")
	r := New(io.MultiReader(strings.NewReader("a\nhalf"), iotest.ErrReader(torn)), 0)
	all, err := readAll(t, r)
	if len(all) != 1 || all[0].line != "a" || err != torn {
		t.Errorf("got %+v, %v; want the line before the error and the error", all, err)
	}
	if _, _, err := r.Next(); err != torn {
		t.Errorf("second Next: %v, want the same error", err)
	}
	if r.Offset() != 2 {
		t.Errorf("offset %d, want 2: that of the line that was not given out", r.Offset())
	}
}

type emptyReader struct{}

func (emptyReader) Read([]byte) (int, error) { return 0, nil }

func TestNextNoProgress(t *testing.T) {
	t.Parallel()
	if _, _, err := New(emptyReader{}, 0).Next(); err != io.ErrNoProgress {
		t.Errorf("err = %v, want %v", err, io.ErrNoProgress)
	}
}

// repeat gives n bytes c without holding them.
type repeat struct {
	c byte
	n int64
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.n == 0 {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.n)]
	for i := range p {
		p[i] = r.c
	}
	r.n -= int64(len(p))
	return len(p), nil
}

func TestLongLineIsNotHeld(t *testing.T) {
	t.Parallel()
	const size, limit = 32 << 20, 1 << 20
	r := New(io.MultiReader(&repeat{'x', size}, strings.NewReader("\nnext\n")), limit)
	line, tooLong, err := r.Next()
	if len(line) != limit || !tooLong || err != nil {
		t.Fatalf("got %d bytes, %v, %v", len(line), tooLong, err)
	}
	if cap(r.buf) > limit+2*minRead+startSize {
		t.Errorf("buffer has %d bytes for a limit of %d", cap(r.buf), limit)
	}
	line, tooLong, err = r.Next()
	if string(line) != "next" || tooLong || err != nil || r.Offset() != size+6 {
		t.Errorf("after it: %q, %v, %v at %d", line, tooLong, err, r.Offset())
	}
}

func FuzzNext(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nccccccccc\nd"), uint8(3))
	f.Add([]byte("\r\n\r\r\n"), uint8(1))
	f.Add([]byte("abcd\r\nabcde\rf\nabcd\r\r\nabc\r"), uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, limit uint8) {
		max := int(limit)%16 + 1
		rest := in
		r := New(iotest.HalfReader(bytes.NewReader(in)), max)
		for {
			line, tooLong, err := r.Next()
			if err != nil {
				if err != io.EOF || len(rest) > 0 {
					t.Fatalf("%v with %q left", err, rest)
				}
				return
			}
			want, after, terminated := bytes.Cut(rest, []byte("\n"))
			if terminated {
				want = bytes.TrimSuffix(want, []byte("\r"))
			}
			if tooLong != (len(want) > max) || !bytes.Equal(line, want[:min(len(want), max)]) {
				t.Fatalf("got %q, %v; want %q", line, tooLong, want)
			}
			rest = after
			if before := r.Before(5); !bytes.HasSuffix(in[:len(in)-len(rest)], before) || terminated && len(before) == 0 {
				t.Fatalf("before %q is %q", rest, before)
			}
			if r.Terminated() != terminated || r.Offset() != int64(len(in)-len(rest)) {
				t.Fatalf("terminated %v, offset %d", r.Terminated(), r.Offset())
			}
		}
	})
}

func benchmarkInput() []byte {
	return bytes.Repeat([]byte("2017-06-14 17:16:12,329 fail2ban.actions        [1112]: NOTICE  [sshd] Ban 59.45.175.88\n"), 100_000)
}

func BenchmarkNext(b *testing.B) {
	in := benchmarkInput()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		r := New(bytes.NewReader(in), 0)
		for {
			if _, _, err := r.Next(); err != nil {
				break
			}
		}
	}
}

func BenchmarkBufioScanner(b *testing.B) {
	in := benchmarkInput()
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		for s := bufio.NewScanner(bytes.NewReader(in)); s.Scan(); {
			_ = s.Bytes()
		}
	}
}

// Ahead looks at what comes next and takes nothing of it.
func TestAhead(t *testing.T) {
	t.Parallel()
	r := New(iotest.OneByteReader(strings.NewReader("one\ntwo\nthree")), 6)
	for _, want := range []string{"one\ntw", "one\ntw"} {
		if got := string(r.Ahead(100)); got != want {
			t.Fatalf("ahead is %q, want %q", got, want)
		}
	}
	if got := string(r.Ahead(2)); got != "on" || r.Buffered() != 6 {
		t.Fatalf("ahead is %q of %d", got, r.Buffered())
	}
	for _, want := range []string{"one", "two", "three"} {
		line, _, err := r.Next()
		if err != nil || string(line) != want {
			t.Fatalf("%q %v, want %q", line, err, want)
		}
	}
	if got := r.Ahead(1); len(got) != 0 {
		t.Errorf("at the end ahead is %q", got)
	}
}
