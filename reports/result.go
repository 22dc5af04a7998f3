package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"logctl/store"
)

// Column is one column of a result.
type Column struct {
	Name   string // JSON key and, in capitals, heading
	Number bool   // aligned to the right
	Bar    bool   // shown as a bar too where a person looks; at most one
	Minor  bool   // left out where a table would have to break words in its terminal, the last first; no bar stands behind it
}

// Result is rows of cells. A cell is a string, an int64, a []string, a json.RawMessage without white space between its
// parts, or nil where a row has none; a row's slice holds until the next one. An error is the last pair.
type Result struct {
	Columns []Column
	Rows    iter.Seq2[[]any, error]
}

// Each gives a row for each of a list.
func Each[T any](list []T, row func(T) []any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for _, item := range list {
			if !yield(row(item), nil) {
				return
			}
		}
	}
}

// Format is a way to write a result.
type Format string

// The formats. Auto is Table for a person and Plain for a program.
const (
	Auto     Format = ""
	Table    Format = "table"
	Plain    Format = "plain"
	JSON     Format = "json"
	NDJSON   Format = "ndjson"
	CSV      Format = "csv"
	Markdown Format = "markdown"
)

// ParseFormat reads a format's name.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case Auto, Table, Plain, JSON, NDJSON, CSV, Markdown:
		return f, nil
	}
	return "", fmt.Errorf("output %q is none of table, plain, json, ndjson, csv, markdown", s)
}

// Output says how to write.
type Output struct {
	Format   Format
	Terminal bool // a person looks: Auto is a table, tables have bars, and nothing that a terminal would obey gets out
	Width    int  // of the terminal, in characters, for bars; 0: unknown
}

// Write writes the result and gives the number of rows. Every format but Table writes rows as they come; Table holds a
// thousand at a time.
func Write(w io.Writer, r Result, o Output) (rows int, err error) {
	f := o.Format
	if f == Auto {
		f = Plain
		if o.Terminal {
			f = Table
		}
	}
	var s sink
	switch f {
	case Table:
		s = newTable(w, r.Columns, o)
	case JSON:
		s = &jsonSink{w: w, columns: r.Columns, array: true}
	case NDJSON:
		s = &jsonSink{w: w, columns: r.Columns}
	case CSV:
		s = newCSV(w, r.Columns, o.Terminal)
	case Markdown:
		s = &markdownSink{w: w, columns: r.Columns}
	default:
		s = &plainSink{w: w}
	}
	for row, err := range r.Rows {
		if err == nil {
			err = s.row(row)
		}
		if err != nil {
			return rows, err
		}
		rows++
	}
	return rows, s.end()
}

// sink writes the rows of a result in one format.
type sink interface {
	row(cells []any) error
	end() error
}

// cellText is a cell as text: lists with comma between their elements, a JSON string as its text, null as nothing.
func cellText(cell any, comma string) string {
	switch c := cell.(type) {
	case string:
		return c
	case int64:
		return strconv.FormatInt(c, 10)
	case []string:
		return strings.Join(c, comma)
	case json.RawMessage:
		return text(string(c))
	}
	return ""
}

// appendCellJSON appends a cell as JSON.
func appendCellJSON(dst []byte, cell any) []byte {
	switch c := cell.(type) {
	case string:
		return appendVisible(dst, store.AppendJSONString(nil, c))
	case int64:
		return strconv.AppendInt(dst, c, 10)
	case []string:
		dst = append(dst, '[')
		for i, s := range c {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendVisible(dst, store.AppendJSONString(nil, s))
		}
		return append(dst, ']')
	case json.RawMessage:
		return appendVisible(dst, c)
	}
	return append(dst, "null"...)
}
