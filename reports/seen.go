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
// ip, process and machine are JSON text that holds only until the next row.
type seen struct {
	ip, process, machine []byte
	period               []byte // what the key of a row of all processes and machines has before the ip, up to the comma; else nil
	count                int64
	first, last          when.Wall
}

// eachSeen calls fn for the rows of the attackers view that make up the window.
func eachSeen(ctx context.Context, v Views, db store.DBName, w Window, fn func(*seen)) error {
	days, ok, ends := w.split()
	if ok {
		for _, p := range days.parts() {
			if err := eachOf(ctx, v, db, p, 0, fn); err != nil {
				return err
			}
		}
	}
	return eachEnd(ctx, v, db, ends, fn)
}

// eachOf calls fn for the rows of a part, grouped as part.rows says.
func eachOf(ctx context.Context, v Views, db store.DBName, p part, level int, fn func(*seen)) error {
	any := false
	err := reduced(v.View(ctx, db, ddoc, attackersView, p.rows(level)), func(s *seen) {
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
	return eachOf(ctx, v, db, p, level, fn)
}

// reduced reads rows of key [resolution, …, ip, process, machine], or of one that ends with the address, and a value of _stats.
func reduced(rows iter.Seq2[store.Row, error], fn func(*seen)) error {
	var keys keyReader
	var s seen
	for row, err := range rows {
		if err != nil {
			return err
		}
		key, ok := keys.elements(row.Key)
		if !ok || len(key) < 3 {
			return unexpected(row)
		}
		n, address := len(key), addressLevel(key[0])
		switch {
		case address > 0 && n == address:
			s.ip, s.process, s.machine, s.period = key[n-1], nil, nil, row.Key[:len(row.Key)-len(key[n-1])-1]
		case address > 0 && n == address+2:
			s.ip, s.process, s.machine, s.period = key[n-3], key[n-2], key[n-1], nil
		default:
			return unexpected(row)
		}
		count, first, last, ok := statistics(row.Value)
		if !ok || count < 1 {
			return unexpected(row)
		}
		s.count, s.first, s.last = int64(count), when.Wall(first), when.Wall(last)
		fn(&s)
	}
	return nil
}

// addressLevel is that of the resolution that a key begins with, a JSON string.
func addressLevel(raw []byte) int {
	if n := len(raw); n > 2 && raw[0] == '"' && raw[n-1] == '"' {
		return resolution(raw[1 : n-1]).addressLevel()
	}
	return 0
}

// eachEnd calls fn for each attack within windows that are parts of a day.
func eachEnd(ctx context.Context, v Views, db store.DBName, ends []Window, fn func(*seen)) error {
	var keys keyReader
	for _, w := range ends {
		for row, err := range v.View(ctx, db, ddoc, attackersView, endRows(w)) {
			if err != nil {
				return err
			}
			at, notNumber := strconv.ParseFloat(string(row.Value), 64)
			t := when.Wall(at)
			if notNumber == nil && (t < w.Since || t >= w.Until) {
				continue
			}
			key, ok := keys.elements(row.Key)
			if !ok || len(key) < 3 || notNumber != nil {
				return unexpected(row)
			}
			n := len(key)
			fn(&seen{ip: key[n-3], process: key[n-2], machine: key[n-1], count: 1, first: t, last: t})
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
