package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
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
	var key [][]byte
	for row, err := range rows {
		if err != nil {
			return err
		}
		var s seen
		var ok bool
		if key, ok = elements(key[:0], row.Key); !ok || len(key) < 3 {
			return unexpected(row)
		}
		n, address := len(key), resolution(text(key[0])).addressLevel()
		switch {
		case address > 0 && n == address:
			s.ip, s.period = key[n-1], row.Key[:len(row.Key)-len(key[n-1])-1]
		case address > 0 && n == address+2:
			s.ip, s.process, s.machine = key[n-3], key[n-2], key[n-1]
		default:
			return unexpected(row)
		}
		count, okCount := member(row.Value, `"count":`)
		first, okFirst := member(row.Value, `"min":`)
		last, okLast := member(row.Value, `"max":`)
		if !okCount || !okFirst || !okLast || count < 1 {
			return unexpected(row)
		}
		s.count, s.first, s.last = int64(count), when.Wall(first), when.Wall(last)
		fn(&s)
	}
	return nil
}

// member is the number after name in the value of _stats, an object that holds nothing but numbers.
func member(object []byte, name string) (float64, bool) {
	i := bytes.Index(object, []byte(name))
	if i < 0 {
		return 0, false
	}
	rest := object[i+len(name):]
	end := 0
	for end < len(rest) && rest[end] != ',' && rest[end] != '}' {
		end++
	}
	if end == len(rest) {
		return 0, false
	}
	return number(trim(rest[:end]))
}

// number reads a number, as a rule an integer.
func number(text []byte) (float64, bool) {
	const exact = 15 // digits
	n := 0
	for _, c := range text {
		if c < '0' || c > '9' {
			n = -1
			break
		}
		n = 10*n + int(c-'0')
	}
	if n >= 0 && len(text) > 0 && len(text) <= exact {
		return float64(n), true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	return f, err == nil
}

// eachEnd calls fn for each attack within windows that are parts of a day.
func eachEnd(ctx context.Context, v Views, db store.DBName, ends []Window, fn func(*seen)) error {
	var key [][]byte
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
			var ok bool
			if key, ok = elements(key[:0], row.Key); !ok || len(key) < 3 || notNumber != nil {
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

// elements appends the elements of a JSON array, as they are written without white space around them, to dst.
func elements(dst [][]byte, array []byte) ([][]byte, bool) {
	n := len(array)
	if n < 2 || array[0] != '[' || array[n-1] != ']' {
		return dst, false
	}
	depth, from := 0, 1
	for i := 1; i < n-1; i++ {
		switch array[i] {
		case '"':
			for i++; i < n-1 && array[i] != '"'; i++ {
				if array[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		case ',':
			if depth == 0 {
				dst = append(dst, trim(array[from:i]))
				from = i + 1
			}
		}
	}
	if last := trim(array[from : n-1]); len(last) > 0 || len(dst) > 0 {
		dst = append(dst, last)
	}
	return dst, depth == 0
}

func trim(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// text is what a JSON value is called in a report: a string's text, nothing for null, anything else as it is written.
func text(raw []byte) string {
	if string(raw) == "null" {
		return ""
	}
	if len(raw) > 1 && raw[0] == '"' && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}
