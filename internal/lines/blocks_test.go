package lines

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readBlocks gives the lines of all blocks.
func readBlocks(b *Blocks, max int) ([]got, error) {
	var all []got
	var buf []byte
	for {
		block, err := b.Next(buf)
		if err != nil {
			return all, err
		}
		buf = block
		for len(block) > 0 {
			var g got
			var line []byte
			line, block, g.tooLong = Cut(block, max)
			g.line = string(line)
			all = append(all, g)
		}
	}
}

// FuzzBlocks holds the lines of blocks against those of a Reader.
func FuzzBlocks(f *testing.F) {
	for _, in := range []string{"", "a\n", "a\nb", "\n\r\n\r\r\n", "abcd\nx\nabcdefgh\r\ny\nabcd", "abc\r\nabcd\r\nabcde\r\n", strings.Repeat("x", 70)} {
		for _, max := range []uint8{0, 1, 3, 60} {
			f.Add(in, max, uint8(0))
			f.Add(in, max, uint8(1))
			f.Add(in, max, uint8(2))
			f.Add(in, max, uint8(128+4))
			f.Add(in, max, uint8(128+5))
		}
	}
	torn := errors.New("torn")
	f.Fuzz(func(t *testing.T, in string, max, how uint8) {
		source := func() io.Reader {
			switch r := strings.NewReader(in); how % 4 {
			case 1:
				return iotest.OneByteReader(r)
			case 2:
				return iotest.DataErrReader(r)
			case 3:
				return io.MultiReader(r, iotest.ErrReader(torn))
			default:
				return r
			}
		}
		want, wantErr := readAll(t, New(source(), int(max)))
		b := NewBlocks(source(), int(max))
		if how >= 128 {
			if ahead := b.Ahead(int(how) % 16); !strings.HasPrefix(in, string(ahead)) || len(ahead) > b.Buffered() {
				t.Fatalf("%q begins with %q", in, ahead)
			}
		}
		all, err := readBlocks(b, int(max))
		if err != wantErr || len(all) != len(want) {
			t.Fatalf("%q: %+v, %v, want %+v, %v", in, all, err, want, wantErr)
		}
		for i := range all {
			if all[i].line != want[i].line || all[i].tooLong != want[i].tooLong {
				t.Fatalf("%q: line %d is %q %v, want %q %v", in, i, all[i].line, all[i].tooLong, want[i].line, want[i].tooLong)
			}
		}
	})
}

// TestBlocksAreLarge checks that memory does not grow with the input, and that blocks are as large as reads.
func TestBlocksAreLarge(t *testing.T) {
	t.Parallel()
	in := bytes.Repeat([]byte(strings.Repeat("x", 99)+"\n"), 100_000)
	b := NewBlocks(bytes.NewReader(in), 0)
	var buf []byte
	blocks := 0
	for {
		block, err := b.Next(buf)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		buf = block[:0]
		blocks++
	}
	if cap(buf) > 4*blockSize || blocks > 2*len(in)/blockSize+2 {
		t.Errorf("%d blocks, %d bytes for one", blocks, cap(buf))
	}
}
