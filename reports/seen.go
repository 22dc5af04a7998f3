package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"logctl/internal/when"
	"logctl/store"
)

// seen is one row of the attackers view: how often an address attacked a machine through a process, first and last when.
// ip is JSON text that holds only until the next row.
type seen struct {
	ip          []byte
	by          *pair  // nil where the row is of all processes and machines
	period      []byte // what the key of a row of all of them has before the ip, with its last comma; else nil
	count       int64
	first, last when.Wall
}

// seer reads rows of the attackers view.
type seer struct {
	views Views
	db    store.DBName
	keys  attackKeys
}

// each calls fn for the rows that make up the window.
func (r *seer) each(ctx context.Context, w Window, fn func(*seen)) error {
	days, ok, ends := w.split()
	if ok {
		for _, p := range days.parts() {
			if err := r.part(ctx, p, 0, fn); err != nil {
				return err
			}
		}
	}
	return r.ends(ctx, ends, fn)
}

// part calls fn for the rows of a part, grouped as part.rows says.
func (r *seer) part(ctx context.Context, p part, level int, fn func(*seen)) error {
	any := false
	err := r.reduced(r.views.View(ctx, r.db, ddoc, attackersView, p.rows(level)), level > 0, func(s *seen) {
		any = true
		fn(s)
	})
	if any || err != nil || p.resolution != byYears {
		return err
	}
	// A design document of an earlier version knows no years.
	if p.resolution = byMonths; level > 0 {
		level = p.addressLevel()
	}
	return r.part(ctx, p, level, fn)
}

// reduced reads rows whose values are those of _stats, of all processes and machines or each of one of them.
func (r *seer) reduced(rows iter.Seq2[store.Row, error], ofAll bool, fn func(*seen)) error {
	var s seen
	for row, err := range rows {
		if err != nil {
			return err
		}
		count, first, last, ok := statistics(row.Value)
		if !ok || count < 1 || !r.keys.read(row.Key, &s) || (s.by == nil) != ofAll {
			return unexpected(row)
		}
		s.count, s.first, s.last = int64(count), when.Wall(first), when.Wall(last)
		fn(&s)
	}
	return nil
}

// ends calls fn for each attack within windows that are parts of a day.
func (r *seer) ends(ctx context.Context, ends []Window, fn func(*seen)) error {
	for _, w := range ends {
		for row, err := range r.views.View(ctx, r.db, ddoc, attackersView, endRows(w)) {
			if err != nil {
				return err
			}
			at, notNumber := strconv.ParseFloat(string(row.Value), 64)
			t := when.Wall(at)
			if notNumber == nil && (t < w.Since || t >= w.Until) {
				continue
			}
			s := seen{count: 1, first: t, last: t}
			if notNumber != nil || !r.keys.read(row.Key, &s) || s.by == nil {
				return unexpected(row)
			}
			fn(&s)
		}
	}
	return nil
}

// unexpected is the error for a row that our views do not give: the design document is another one.
func unexpected(row store.Row) error {
	return &store.Error{Kind: store.KindInternal, Reason: fmt.Sprintf("_design/%s gives a row that is not this report's: key %.80s", ddoc, row.Key),
		Hint: "logctl design diff APP, then logctl design push APP"}
}

// text is what a JSON value is called in a report: a string's text, nothing for null, anything else as it is written.
func text(raw string) string {
	if raw == "null" {
		return ""
	}
	if len(raw) > 1 && raw[0] == '"' && strings.IndexByte(raw, '\\') < 0 && utf8.ValidString(raw) {
		return raw[1 : len(raw)-1]
	}
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal([]byte(raw), &s) == nil {
		return s
	}
	return raw
}
