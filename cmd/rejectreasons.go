package cmd

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"logctl/ship"
	"logctl/store"
)

// The view that counts rejects, in designdocs.
const rejectsDesign, reasonsView = "rejects", "reasons"

// maxReasons bounds how many reasons are told apart: strangers write them.
const maxReasons = 10

// countRejects counts by reason, the most frequent first. kept stays false where nothing can be counted.
func (s *appStatus) countRejects(ctx context.Context, c *client) error {
	db, err := store.RejectsDB(s.app)
	if err != nil {
		return err
	}
	q := store.NewViewQuery()
	q.GroupLevel = 1
	for row, err := range c.View(ctx, db, rejectsDesign, reasonsView, q) {
		if store.IsKind(err, store.KindNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		var key []string // of a stranger's reject it may hold null, which is ""
		var n int64
		if json.Unmarshal(row.Key, &key) != nil || len(key) != 1 || json.Unmarshal(row.Value, &n) != nil {
			return &store.Error{Kind: store.KindInternal, Reason: fmt.Sprintf("_design/%s gives a row that is none of ours: %.80s", rejectsDesign, row.Key),
				Hint: "logctl app create " + s.app + " installs ours"}
		}
		s.rejects += n
		s.reasons = append(s.reasons, ship.Reason{Text: cmp.Or(key[0], "unknown"), Lines: n})
	}
	s.kept = true
	slices.SortStableFunc(s.reasons, func(a, b ship.Reason) int { return int(b.Lines - a.Lines) })
	if len(s.reasons) > maxReasons {
		other := ship.Reason{Text: "other"}
		for _, r := range s.reasons[maxReasons-1:] {
			other.Lines += r.Lines
		}
		s.reasons = append(s.reasons[:maxReasons-1], other)
	}
	return nil
}

// tell tells on w an example of each reason, and what to do.
func (s *appStatus) tell(ctx context.Context, w io.Writer, c *client) error {
	if !s.kept {
		fmt.Fprintf(w, "logctl: hint: there is no place for rejects: logctl app create %s\n", s.app)
		return nil
	}
	db, err := store.RejectsDB(s.app)
	if err != nil {
		return err
	}
	for _, r := range s.reasons {
		if err := tellReason(ctx, w, c, db, r); err != nil {
			return err
		}
	}
	for _, r := range s.reasons {
		switch r.Text {
		case ship.NoFit:
			fmt.Fprintf(w, "logctl: hint: logctl explain --schema S shows where a schema and a line part; logctl reparse %s --schema S, or --preset P, makes docs of those that fit\n", s.app)
		case ship.TooLong:
			fmt.Fprintln(w, "logctl: hint: ship them with a larger --max-line: their files have the whole lines")
		case ship.Refused:
			fmt.Fprintf(w, "logctl: hint: once the server takes them: logctl reparse %s with the schema that they were shipped with\n", s.app)
		}
	}
	return nil
}

// tellReason tells of a reason with the first reject that has it.
func tellReason(ctx context.Context, w io.Writer, c *client, db store.DBName, r ship.Reason) error {
	q := store.NewViewQuery()
	q.StartKey = append(store.AppendJSONString([]byte{'['}, r.Text), ']')
	q.EndKey = append(store.AppendJSONString([]byte{'['}, r.Text), ",{}]"...)
	q.NoReduce, q.IncludeDocs, q.Limit = true, true, 1
	for row, err := range c.View(ctx, db, rejectsDesign, reasonsView, q) {
		if err != nil {
			return err
		}
		var doc struct {
			Line         string
			LineBase64   []byte `json:"line_base64"`
			Detail, File string
		}
		if json.Unmarshal(row.Doc, &doc) != nil {
			continue
		}
		fmt.Fprintf(w, "logctl: %d %s, such as %q", r.Lines, oneLine(r.Text), shortened(doc.Line+string(doc.LineBase64)))
		if doc.File != "" {
			fmt.Fprintf(w, " of %s", oneLine(doc.File))
		}
		if doc.Detail != "" {
			fmt.Fprintf(w, ": %s", oneLine(doc.Detail))
		}
		fmt.Fprintln(w)
	}
	return nil
}

// shortened is the beginning of a long line.
func shortened(line string) string {
	const most = 160
	if len(line) <= most {
		return line
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(line[end]) {
		end--
	}
	return line[:end] + "…"
}
