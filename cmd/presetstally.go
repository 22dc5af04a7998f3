package cmd

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"logctl/format"
	"logctl/format/preset"
	"logctl/internal/lines"
)

// madeBy is an alternative of a preset; number 0 is text that was kept as it is, or what a reader made.
type madeBy struct {
	preset string
	number int
}

// tally counts what a preset makes of one log.
type tally struct {
	limit int // of rejected lines to keep

	set                         *preset.Set
	preset                      string
	lines, fit, rejected, blank int64
	made                        map[madeBy]int64
	kept                        []reject
}

// reject is a line that was rejected, and why.
type reject struct{ line, reason string }

// read counts the lines of a log.
func (t *tally) read(ctx context.Context, set *preset.Set, name string, in io.Reader, written time.Time) error {
	r := lines.New(in, lines.DefaultMax)
	if name == preset.AutoName {
		c, err := set.Choose(r.Ahead(format.SampleSize), written)
		if err != nil {
			return err
		}
		name = c.Preset
	}
	p, err := set.Parser(name, preset.Options{Events: "all"})
	if err != nil {
		return err
	}
	p.SetReference(written)
	t.set, t.preset = set, name
	var buf []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		line, tooLong, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		t.lines++
		verdict := format.Rejected
		if !tooLong {
			buf, verdict = p.Append(buf[:0], line)
		}
		switch verdict {
		case format.Matched:
			t.fit++
			of, number := p.Made()
			t.made[madeBy{of, number}]++
		case format.Skipped:
			t.blank++
		default:
			t.reject(p, line, tooLong)
		}
	}
}

func (t *tally) reject(p *preset.Parser, line []byte, tooLong bool) {
	t.rejected++
	if len(t.kept) >= t.limit {
		return
	}
	reason := "it is too long"
	if !tooLong {
		reason = p.Reason(line)
	}
	t.kept = append(t.kept, reject{shorten(visible(string(line)), 200), reason})
}

// write tells what was counted. No control character reaches the output.
func (t *tally) write(w io.Writer, file string) error {
	share := 100.0
	if n := t.fit + t.rejected; n > 0 {
		share = 100 * float64(t.fit) / float64(n)
	}
	fmt.Fprintf(w, "%s: preset %s fits %d of %s, %.1f %%", visible(file), t.preset, t.fit, count(t.fit+t.rejected, "line"), share)
	if t.blank > 0 {
		fmt.Fprintf(w, "; %s without text", count(t.blank, "line"))
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, by := range slices.SortedFunc(maps.Keys(t.made), func(a, b madeBy) int {
		return cmp.Or(cmp.Compare(t.made[b], t.made[a]), cmp.Compare(a.preset, b.preset), cmp.Compare(a.number, b.number))
	}) {
		what := "without an alternative"
		if d, err := t.set.Definition(by.preset); err == nil {
			what = fmt.Sprintf("%s %d: %s", by.preset, by.number, shorten(visible(d.Alternative(by.number)), 60))
		}
		fmt.Fprintf(table, "%d\t  %s\n", t.made[by], what)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range t.kept {
		if _, err := fmt.Fprintf(w, "  rejected: %s\n    %s\n", r.line, visible(r.reason)); err != nil {
			return err
		}
	}
	return nil
}
