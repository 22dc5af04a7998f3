package ship

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/ship/source"
)

// choosing is a Format that chooses by how an input begins, and says so in each doc.
type choosing struct {
	plainFormat
	began []string
	at    string
}

func (c *choosing) Begin(name string, ahead func(int) []byte) (again func(), err error) {
	at, _, _ := strings.Cut(string(ahead(100)), "\n")
	c.began, c.at = append(c.began, name), at
	return func() { c.at = at }, nil
}

func (c *choosing) Append(dst, line []byte) ([]byte, Verdict) {
	return c.plainFormat.Append(dst, []byte(c.at+" "+string(line)))
}

// turns is a Source of lines that come in turns from some origins, each written to meanwhile.
type turns []string

func (s turns) Run(ctx context.Context, _ source.Positions, sink source.Sink) error {
	origins := map[string]*source.Origin{}
	for i, turn := range s {
		name, line, _ := strings.Cut(turn, ":")
		if origins[name] == nil {
			origins[name] = &source.Origin{Name: name}
		}
		if err := sink.Take(ctx, source.Chunk{From: origins[name], Written: time.Unix(int64(i), 0), Lines: []source.Line{{Text: []byte(line)}}}); err != nil {
			return err
		}
	}
	return nil
}

// TestBeginOnce: how an input begins is looked at once, whatever is read in between.
func TestBeginOnce(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	o := plainOptions(f)
	c := &choosing{}
	o.Format = func(time.Time) Formatter {
		c.at = "nothing"
		return c
	}
	o.Sources = []source.Source{turns{"a:1", "a:2", "b:3", "a:4", "b:5"}}
	mustRun(t, o)
	wantLines(t, f, "1 1\n1 2\n3 3\n1 4\n3 5\n")
	if want := []string{"a", "b"}; !slices.Equal(c.began, want) {
		t.Errorf("began %q, want %q", c.began, want)
	}
}
