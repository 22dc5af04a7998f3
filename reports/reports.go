// Package reports turns questions into view queries and their rows into tables: a question (Attackers, Attacks) asks the
// views of _design/report and gives a Result, and Write writes any Result as a table, plain rows, JSON, NDJSON, CSV or Markdown.
//
// Times are wall clocks, as the logs hold them (package when). A window of time includes its beginning and not its end. It
// is cut into pieces that the views' keys hold whole, so that a question costs about the rows of its answer. Memory is
// bounded by the rows of the answer too: by distinct addresses for Attackers, by periods for Attacks.
//
// Values come from log lines, so from attackers: nothing that a terminal would obey is written to one.
package reports

import (
	"context"
	"iter"

	"logctl/store"
)

// Views is what questions are put to; *couch.Client is one. An error is the last pair.
type Views interface {
	View(ctx context.Context, db store.DBName, ddoc, view string, q store.ViewQuery) iter.Seq2[store.Row, error]
	// Queries gives the rows of several queries of a view, one after the other.
	Queries(ctx context.Context, db store.DBName, ddoc, view string, list []store.ViewQuery) iter.Seq2[store.Row, error]
}

// The design document and its views.
const (
	ddoc          = "report"
	attacksView   = "attacks"
	attackersView = "attackers"
)
