package zgzip

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// digits gives n pseudo-random numbers below limit, always the same.
func digits(n, limit int) []byte {
	out := make([]byte, n)
	x := uint32(12345)
	for i := range out {
		x = x*1664525 + 1013904223
		out[i] = byte(int(x>>8) % limit)
	}
	return out
}

// words is text that repeats itself at all distances.
func words(n int) []byte {
	var b strings.Builder
	for i, d := range digits(n, 200) {
		fmt.Fprintf(&b, "word%d-%d ", int(d)*int(d)%977, i%13)
	}
	return []byte(b.String())
}

// skewed has symbols of frequencies that would make codes longer than a tree may have.
func skewed() []byte {
	var b []byte
	for i, n := range []int{1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181} {
		b = append(b, bytes.Repeat([]byte{byte(i * 7)}, n)...)
	}
	for i, d := range digits(len(b), 256) {
		j := (i*257 + int(d)) % len(b)
		b[i], b[j] = b[j], b[i]
	}
	return b
}

// TestSameAsZlib has the MD5 of what zlib 1.2.13 makes of some inputs at level 8, with a window of 15 bits and a gzip header.
func TestSameAsZlib(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		data []byte
		size int
		want string
	}{
		{"nothing", nil, 20, "7029066c27ac6f5ef18d660d5741979a"},
		{"hello", []byte("hello hello hello"), 28, "10664cd0347bb5fca52efbd90973f5ba"},
		{"zeros", make([]byte, 1<<20), 1051, "64c46733c472ab27a571cbbe478be871"},
		{"noise", digits(100_000, 256), 100053, "4f8700c0b230bf6d16c36a90f16ff681"},
		{"digits", digits(200_000, 10), 95028, "7dc6c66a2638a6ee9ad68d124e430bd2"},
		{"bits", digits(200_000, 2), 1030, "ca333f0b8bcdd31cc66dd22ed1bdf7de"},
		{"words", words(100_000), 217833, "2bd6e3fe6ec15eb06d9e8272f176c186"},
		{"skewed", skewed(), 4403, "0dbdd52a854c668537d8460f34113655"},
	} {
		for _, piece := range []int{len(c.data) + 1, 4096, 1} {
			var out bytes.Buffer
			z := NewWriter(&out)
			for i := 0; i < len(c.data); i += piece {
				if _, err := z.Write(c.data[i:min(i+piece, len(c.data))]); err != nil {
					t.Fatal(err)
				}
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			sum := md5.Sum(out.Bytes())
			if got := hex.EncodeToString(sum[:]); got != c.want || out.Len() != c.size {
				t.Errorf("%s in pieces of %d: {%d, %q}, want {%d, %q}", c.name, piece, out.Len(), got, c.size, c.want)
			}
		}
	}
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	full := errors.New("full")
	z := NewWriter(writerFunc(func([]byte) (int, error) { return 0, full }))
	if _, err := z.Write(digits(300_000, 256)); err != full {
		t.Errorf("write: %v", err)
	}
	if err := z.Close(); err != full {
		t.Errorf("close: %v", err)
	}
	if err := z.Close(); err != full {
		t.Errorf("close again: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte("hello hello hello"), 3)
	f.Add(words(100), 1000)
	f.Add(skewed(), 500)
	f.Fuzz(func(t *testing.T, data []byte, times int) {
		// Four windows are enough, and what is longer takes so long that a short run tries little.
		data = bytes.Repeat(data, 1+int(uint(times)%uint(1+128<<10/(1+len(data)))))
		var out bytes.Buffer
		z := NewWriter(&out)
		if _, err := z.Write(data); err != nil || z.Close() != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(&out)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(data), err)
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	data := words(50_000)
	for _, c := range []struct {
		name string
		make func() io.WriteCloser
	}{
		{"zgzip", func() io.WriteCloser { return NewWriter(io.Discard) }},
		{"gzip8", func() io.WriteCloser { z, _ := gzip.NewWriterLevel(io.Discard, 8); return z }},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				z := c.make()
				if _, err := z.Write(data); err != nil || z.Close() != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
