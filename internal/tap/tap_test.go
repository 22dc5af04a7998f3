package tap

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listen listens at a socket; what each of its clients sends comes through the channel when they are done.
func listen(t *testing.T, read func(net.Conn) []byte) (path string, got <-chan []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	ch := make(chan []byte, 10)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { ch <- read(conn); conn.Close() }()
		}
	}()
	return path, ch
}

func all(conn net.Conn) []byte {
	b, _ := io.ReadAll(conn)
	return b
}

// numbered are n lines.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d\n", i)
	}
	return b.String()
}

func TestCopyWithListener(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a\n", "a", "a\n\nb", numbered(100_000), strings.Repeat("x", 300_000) + "\nb\n"} {
		path, got := listen(t, all)
		var out bytes.Buffer
		n, err := New(Options{Socket: path, Held: 64 << 20, Last: 20 * time.Second}).Copy(&out, strings.NewReader(text), nil)
		if err != nil || out.String() != text {
			t.Errorf("%.20q: %v, %d bytes of %d", text, err, out.Len(), len(text))
		}
		if b := <-got; string(b) != text {
			t.Errorf("%.20q: the listener has %d bytes of %d", text, len(b), len(text))
		}
		want := int64(strings.Count(text, "\n"))
		if text != "" && !strings.HasSuffix(text, "\n") {
			want++
		}
		if n != (Counts{Given: want}) {
			t.Errorf("%.20q: %+v, want %d", text, n, want)
		}
	}
}

func TestCopyWithoutListener(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	text := numbered(1000)
	n, err := New(Options{Socket: filepath.Join(t.TempDir(), "nobody")}).Copy(&out, strings.NewReader(text), nil)
	if err != nil || out.String() != text || n != (Counts{}) {
		t.Errorf("%v, %d bytes, %+v", err, out.Len(), n)
	}
}

// A listener that never reads holds up nothing; it gets whole lines, and what it does not get is counted.
func TestSlowListener(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	path, got := listen(t, func(conn net.Conn) []byte {
		<-release
		return all(conn)
	})
	const lines = 500_000
	var out bytes.Buffer
	var n Counts
	text := numbered(lines)
	n, err := New(Options{Socket: path, Held: 64 << 10, Last: time.Millisecond}).Copy(&out, strings.NewReader(text), nil)
	if err != nil || out.String() != text {
		t.Errorf("%v, %d bytes of %d", err, out.Len(), len(text))
	}
	if n.Given+n.Dropped != lines || n.Dropped == 0 {
		t.Errorf("%+v of %d", n, lines)
	}
	close(release)
	b := <-got
	last := -1
	part := strings.SplitAfter(string(b), "\n")
	for _, line := range part[:len(part)-1] { // the last may be cut: the listener was left in the middle of it
		var i int
		if _, err := fmt.Sscanf(line, "line %d\n", &i); err != nil || i <= last || line != fmt.Sprintf("line %d\n", i) {
			t.Fatalf("%q after %d", line, last)
		}
		last = i
	}
}

// A listener that comes gets whole lines from then on; when it goes the stream goes on, and another one is found.
func TestListenersComeAndGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	in, out := io.Pipe()
	copied := make(chan string, 1)
	go func() {
		var b bytes.Buffer
		n, err := New(Options{Socket: path}).Copy(&b, in, nil)
		if err != nil || n.Given == 0 {
			t.Errorf("%+v, %v", n, err)
		}
		copied <- b.String()
	}()
	var sent strings.Builder
	send := func(s string) {
		sent.WriteString(s)
		if _, err := io.WriteString(out, s); err != nil {
			t.Error(err)
		}
	}
	send("before\nhalf")
	for range 2 {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		came := make(chan string, 1)
		go func() {
			conn, err := l.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			b := make([]byte, 100)
			n, _ := conn.Read(b)
			conn.Close()
			came <- string(b[:n])
		}()
		first := ""
		for i := 0; first == ""; i++ {
			send(fmt.Sprintf(" of %d\nhalf", i))
			select {
			case first = <-came:
			case <-time.After(time.Millisecond):
			}
		}
		if !strings.HasPrefix(first, "half of ") || !strings.HasSuffix(first, "\n") {
			t.Errorf("the listener's lines are %q", first)
		}
		l.Close()
	}
	out.Close()
	if got := <-copied; got != sent.String() {
		t.Errorf("%d bytes of %d came through", len(got), sent.Len())
	}
}

// A line that is too long for the listener is dropped for it as a whole.
func TestLongLine(t *testing.T) {
	t.Parallel()
	path, got := listen(t, all)
	text := "a\n" + strings.Repeat("x", maxLine+2*chunk) + "\nb\n"
	var out bytes.Buffer
	n, err := New(Options{Socket: path, Last: 20 * time.Second}).Copy(&out, strings.NewReader(text), nil)
	if err != nil || out.String() != text || n != (Counts{Given: 2, Dropped: 1}) {
		t.Errorf("%v, %+v", err, n)
	}
	if b := <-got; string(b) != "a\nb\n" {
		t.Errorf("the listener has %.100q", b)
	}
}

// An error of the output ends the copy; it is given back as it is.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	path, _ := listen(t, all)
	in, out := io.Pipe()
	out.CloseWithError(io.ErrClosedPipe)
	_, err := New(Options{Socket: path}).Copy(out, strings.NewReader("a\n"), nil)
	in.Close()
	if err != io.ErrClosedPipe {
		t.Errorf("got %v", err)
	}
}

func BenchmarkCopy(b *testing.B) {
	text := numbered(100_000)
	for _, listening := range []bool{false, true} {
		b.Run(fmt.Sprintf("listener=%v", listening), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "s")
			if listening {
				l, err := net.Listen("unix", path)
				if err != nil {
					b.Fatal(err)
				}
				defer l.Close()
				go func() {
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						go func() { _, _ = io.Copy(io.Discard, conn); conn.Close() }()
					}
				}()
			}
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, err := New(Options{Socket: path, Held: 64 << 20}).Copy(io.Discard, strings.NewReader(text), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
