package lines

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll are all messages of a stream, with "…" behind those that were cut.
func readAll(t testing.TB, src io.Reader, max int, plain bool) []string {
	t.Helper()
	b := &budget{}
	b.left.Store(1 << 30)
	f := newFrames(src, max, b, plain)
	got := []string{}
	for {
		message, cut, err := f.next()
		if err != nil {
			if f.free(); b.left.Load() != 1<<30 {
				t.Errorf("memory is not given back: %d", b.left.Load())
			}
			return got
		}
		s := string(message)
		if cut {
			s += "…"
		}
		got = append(got, s)
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 9000)
	tests := []struct {
		name, in string
		plain    bool
		want     []string
	}{
		{"lines", "<13>a\n<13>b\r\n", false, []string{"<13>a", "<13>b"}},
		{"no line end at the end", "<13>a\n<13>b", false, []string{"<13>a", "<13>b"}},
		{"counts", "5 <13>a6 <13>bb", false, []string{"<13>a", "<13>bb"}},
		{"a count and a line end within it", "7 <13>a\nb5 <13>c", false, []string{"<13>a\nb", "<13>c"}},
		{"both on one connection", "5 <13>a<13>b\n5 <13>c", false, []string{"<13>a", "<13>b", "<13>c"}},
		{"a line end behind a counted message", "5 <13>a\n<13>b\n", false, []string{"<13>a", "", "<13>b"}},
		{"a line that begins with a number", "12 monkeys\n2026\n0 <1>x\n", false, []string{"12 monkeys", "2026", "0 <1>x"}},
		{"a number too large for a count", "1234567890 <13>a\n", false, []string{"1234567890 <13>a"}},
		{"lines alone have no counts", "5 <13>a\nb\n", true, []string{"5 <13>a", "b"}},
		{"NUL at the end, and within", "<13>a\x00\n<13>b\x00c\n", false, []string{"<13>a", "<13>b\x00c"}},
		{"a count that the end comes before", "99 <13>a", false, []string{"<13>a…"}},
		{"a count and nothing", "99 ", false, []string{"99 "}},
		{"empty lines", "\n\n", false, []string{"", ""}},
		{"a long line", long + "\nb\n", false, []string{long[:8000] + "…", "b"}},
		{"a long counted message", fmt.Sprintf("%d <13>%s5 <13>b", len(long)+4, long), false, []string{"<13>" + long[:7996] + "…", "<13>b"}},
		{"as long as it may be", long[:8000] + "\n" + long[:8000] + "\r\n", false, []string{long[:8000], long[:8000]}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for how, src := range map[string]io.Reader{
				"at once": strings.NewReader(tt.in), "byte by byte": iotest.OneByteReader(strings.NewReader(tt.in)),
				"with the error": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				if got := readAll(t, src, 8000, tt.plain); fmt.Sprint(got) != fmt.Sprint(tt.want) || len(got) != len(tt.want) {
					t.Errorf("%s: got %.200q, want %.200q", how, got, tt.want)
				}
			}
		})
	}
}

// Without memory for long messages they are cut, and short ones pass.
func TestFramesWithoutMemory(t *testing.T) {
	t.Parallel()
	f := newFrames(strings.NewReader(strings.Repeat("x", 3*connBuffer)+"\nshort\n"), 1<<20, &budget{}, false)
	message, cut, err := f.next()
	if err != nil || !cut || len(message) != connBuffer {
		t.Errorf("%d bytes, cut %v, %v", len(message), cut, err)
	}
	message, cut, err = f.next()
	if err != nil || cut || string(message) != "short" {
		t.Errorf("%q, cut %v, %v", message, cut, err)
	}
}

func FuzzFrames(f *testing.F) {
	for _, s := range []string{"<13>a\n5 <13>b", "99 <13>", "7 <13>a\nb\x00\r\n", "1 <", "0", "12 monkeys\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := readAll(t, bytes.NewReader(in), 64, false)
		pieces := readAll(t, iotest.OneByteReader(bytes.NewReader(in)), 64, false)
		if fmt.Sprintf("%q", whole) != fmt.Sprintf("%q", pieces) {
			t.Errorf("at once %q, byte by byte %q", whole, pieces)
		}
		kept := 0
		for _, m := range whole {
			kept += len(strings.TrimSuffix(m, "…"))
			if len(m) > 64+len("…") {
				t.Errorf("a message of %d bytes", len(m))
			}
		}
		if kept > len(in) {
			t.Errorf("%d bytes of %d", kept, len(in))
		}
	})
}
