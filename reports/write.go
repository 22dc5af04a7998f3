package reports

import (
	"encoding/csv"
	"io"
	"strings"

	"logctl/store"
)

// plainSink writes a row a line, cells with a tab between them, no heading: for awk, cut and sort.
type plainSink struct {
	w   io.Writer
	buf []byte
}

func (s *plainSink) row(cells []any) error {
	s.buf = s.buf[:0]
	for i, c := range cells {
		if i > 0 {
			s.buf = append(s.buf, '\t')
		}
		s.buf = append(s.buf, visible(cellText(c, ","))...)
	}
	_, err := s.w.Write(append(s.buf, '\n'))
	return err
}

func (*plainSink) end() error { return nil }

// jsonSink writes an object a line, or an array of them. Cells that a row has not are left out.
type jsonSink struct {
	w       io.Writer
	columns []Column
	array   bool
	rows    int
	buf     []byte
}

func (s *jsonSink) row(cells []any) error {
	s.buf = s.buf[:0]
	switch {
	case s.array && s.rows == 0:
		s.buf = append(s.buf, '[')
	case s.array:
		s.buf = append(s.buf, ",\n"...)
	}
	s.buf = append(s.buf, '{')
	first := true
	for i, c := range cells {
		if c == nil {
			continue
		}
		if !first {
			s.buf = append(s.buf, ',')
		}
		first = false
		s.buf = append(store.AppendJSONString(s.buf, s.columns[i].Name), ':')
		s.buf = appendCellJSON(s.buf, c)
	}
	s.buf = append(s.buf, '}')
	if !s.array {
		s.buf = append(s.buf, '\n')
	}
	s.rows++
	_, err := s.w.Write(s.buf)
	return err
}

func (s *jsonSink) end() error {
	closing := "]\n"
	switch {
	case !s.array:
		return nil
	case s.rows == 0:
		closing = "[]\n"
	}
	_, err := io.WriteString(s.w, closing)
	return err
}

// csvSink writes RFC 4180 with a heading and the line ends of Unix. Cells are data and stay as they are, so a program that
// takes a cell for a formula must be told not to; only on a terminal are they made visible.
type csvSink struct {
	w        *csv.Writer
	terminal bool
	cells    []string
	heading  []string
}

func newCSV(w io.Writer, columns []Column, terminal bool) *csvSink {
	s := &csvSink{w: csv.NewWriter(w), terminal: terminal}
	for _, c := range columns {
		s.heading = append(s.heading, c.Name)
	}
	return s
}

func (s *csvSink) head() error {
	if s.heading == nil {
		return nil
	}
	h := s.heading
	s.heading = nil
	return s.w.Write(h)
}

func (s *csvSink) row(cells []any) error {
	if err := s.head(); err != nil {
		return err
	}
	s.cells = s.cells[:0]
	for _, c := range cells {
		t := cellText(c, ",")
		if s.terminal {
			t = visible(t)
		}
		s.cells = append(s.cells, t)
	}
	return s.w.Write(s.cells)
}

func (s *csvSink) end() error {
	if err := s.head(); err != nil {
		return err
	}
	s.w.Flush()
	return s.w.Error()
}

// markdownSink writes a table of GitHub's Markdown.
type markdownSink struct {
	w       io.Writer
	columns []Column
	rows    int
}

func (s *markdownSink) row(cells []any) error {
	var b strings.Builder
	if s.rows == 0 {
		for _, c := range s.columns {
			b.WriteString("| " + c.Name + " ")
		}
		b.WriteString("|\n")
		for _, c := range s.columns {
			if c.Number {
				b.WriteString("| ---: ")
			} else {
				b.WriteString("| --- ")
			}
		}
		b.WriteString("|\n")
	}
	s.rows++
	escape := strings.NewReplacer(`\`, `\\`, `|`, `\|`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `~`, `\~`, `<`, `&lt;`, `&`, `&amp;`)
	for _, c := range cells {
		b.WriteString("| " + escape.Replace(visible(cellText(c, ", "))) + " ")
	}
	b.WriteString("|\n")
	_, err := io.WriteString(s.w, b.String())
	return err
}

func (*markdownSink) end() error { return nil }
