package ship

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// plainPieces takes "+…" for a piece, "-…" for a last one.
func plainPieces(line []byte) (Piece, bool) {
	if len(line) == 0 || line[0] != '+' && line[0] != '-' {
		return Piece{}, false
	}
	return Piece{Stream: string(line[1:2]), Head: []byte("-" + string(line[1:2])), Text: line[2:], More: line[0] == '+'}, true
}

func TestPieces(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	path := filepath.Join(t.TempDir(), "x.log")
	o := plainOptions(f, path)
	o.Pieces, o.State = plainPieces, t.TempDir()
	text := ""
	for _, step := range []struct {
		more string
		docs int64
	}{
		{"plain\n-awhole\n+aone \n", 2},
		{"+btwo \n-bends\n", 1},
		{"+amore \n", 0},
		{"", 0},
		{"-aend\n-aend\n+alast\n", 2},
	} {
		text += step.more
		write(t, path, text)
		if s := mustRun(t, o); s.Stored != step.docs || s.There != 0 || s.Lines != step.docs {
			t.Errorf("after %q: %+v", step.more, s)
		}
	}
	want := "plain\n-awhole\n-btwo ends\n-aone more end\n-aend\n"
	wantLines(t, f, want)

	// Read from the beginning, they are the same docs.
	o.StateAnew = "the test says so"
	if s := mustRun(t, o); s.Stored != 0 || s.There != 5 {
		t.Errorf("once more: %+v", s)
	}
	wantLines(t, f, want)
}

func TestPiecesStream(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := plainOptions(f)
	o.Pieces, o.Stdin = plainPieces, strings.NewReader("+aone \n+bno end\n-atwo\n")
	if s := mustRun(t, o); s.Stored != 2 {
		t.Errorf("%+v", s)
	}
	wantLines(t, f, "-aone two\n-bno end\n")
}

// TestPiecesTooLong keeps a bounded beginning of a line that has no end of pieces.
func TestPiecesTooLong(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := plainOptions(f)
	o.Pieces, o.MaxLine = plainPieces, 100
	o.Rejects = filepath.Join(t.TempDir(), "rejects")
	long := "+a" + strings.Repeat("x", 60) + "\n"
	o.Stdin = strings.NewReader(strings.Repeat(long, 50) + "-aend\n" + "-anext\n+a" + strings.Repeat("y", 200) + "\n-a\n")
	if s := mustRun(t, o); s.Stored != 1 || s.TooLong != 2 || s.Rejected != 2 {
		t.Errorf("%+v", s)
	}
	wantLines(t, f, "-anext\n")
	if kept, err := os.ReadFile(o.Rejects); err != nil || bytes.Count(kept, []byte("\n")) != 2 || len(kept) != 202 {
		t.Errorf("kept %q", kept)
	}
}
