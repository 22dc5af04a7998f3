package reports

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// tableRows is how many rows a table has at most; more make another table below it, so that memory stays bounded.
const tableRows = 1000

// maxBar and minBar bound the length of the longest bar, in characters; where less would fit there are none.
const maxBar, minBar = 24, 6

// tableSink writes tables for a person, with bars where asked.
type tableSink struct {
	w       io.Writer
	columns []Column
	bar     int // index of the column with bars, -1 for none
	width   int // of the terminal; 0: unknown
	rows    [][]string
	lists   map[place][]string // the cells that are lists, where the table must fit a width
	counts  []int64
}

// place is where a cell stands.
type place struct{ row, column int }

func newTable(w io.Writer, columns []Column, o Output) *tableSink {
	s := &tableSink{w: w, columns: columns, bar: -1, width: o.Width}
	for i, c := range columns {
		if o.Terminal && c.Bar {
			s.bar = i
		}
	}
	return s
}

func (s *tableSink) row(cells []any) error {
	texts := make([]string, 0, len(cells)+1)
	for i, c := range cells {
		texts = append(texts, visible(cellText(c, listSeparator)))
		if list, ok := c.([]string); ok && s.width > 0 {
			s.keepList(place{len(s.rows), i}, list)
		}
		if i == s.bar {
			n, _ := c.(int64)
			s.counts = append(s.counts, n)
		}
	}
	s.rows = append(s.rows, texts)
	if len(s.rows) == tableRows {
		return s.flush()
	}
	return nil
}

func (s *tableSink) keepList(at place, list []string) {
	if s.lists == nil {
		s.lists = map[place][]string{}
	}
	shown := make([]string, len(list))
	for i, item := range list {
		shown[i] = visible(item)
	}
	s.lists[at] = shown
}

func (s *tableSink) end() error {
	if len(s.rows) == 0 {
		return nil
	}
	return s.flush()
}

func (s *tableSink) flush() error {
	var out bytes.Buffer // tablewriter does not tell of errors of what it writes to
	all := s.columns
	var left []string
	if s.width > 0 {
		left = s.leaveOut()
	}
	err := s.render(&out)
	s.columns = all
	s.rows, s.lists, s.counts = nil, nil, nil // the table keeps what it was given
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	if len(left) > 0 {
		fmt.Fprintf(&out, "(a wider window, or -o json, also shows %s)\n", strings.Join(left, ", "))
	}
	_, err = s.w.Write(out.Bytes())
	return err
}

// render writes the rows as a table.
func (s *tableSink) render(out io.Writer) error {
	var heading []string
	var align []tw.Align
	for _, c := range s.columns {
		heading = append(heading, strings.ToUpper(c.Name))
		if c.Number {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	if longest := s.barRoom(heading); longest >= minBar {
		at := s.bar + 1
		heading, align = slices.Insert(heading, at, ""), slices.Insert(align, at, tw.AlignLeft)
		most := max(1, slices.Max(s.counts))
		for i, n := range s.counts {
			s.rows[i] = slices.Insert(s.rows[i], at, bar(n, most, longest))
		}
	} else if s.width > 0 {
		s.fit(heading)
	}
	cells := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	t := tablewriter.NewTable(out,
		tablewriter.WithConfig(tablewriter.Config{Header: cells, Row: cells, Behavior: tw.Behavior{TrimSpace: tw.Off}}),
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{Symbols: tw.NewSymbols(tw.StyleRounded)})),
	)
	t.Header(heading)
	for _, r := range s.rows {
		if err := t.Append(r); err != nil {
			return err
		}
	}
	return t.Render()
}

// barRoom is how long a bar may be beside everything else; 0 where there are to be none.
func (s *tableSink) barRoom(heading []string) int {
	if s.bar < 0 {
		return 0
	}
	if s.width == 0 {
		return maxBar
	}
	room := s.width - around - 1 // a bar is a column of its own
	for i, h := range heading {
		room -= s.widest(i, h, utf8.RuneCountInString) + around
	}
	return min(room, maxBar)
}

// bar draws n of most in eighths of a character, most as longest characters; the least bar of anything but nothing is one eighth.
func bar(n, most int64, longest int) string {
	if n <= 0 {
		return ""
	}
	eighths := max(1, int(float64(n)/float64(most)*float64(longest)*8+0.5))
	b := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		b += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return b
}
