package reports

import (
	"encoding/json"
	"fmt"

	"logctl/internal/when"
	"logctl/store"
)

// Window is the time from Since up to, not including, Until. A zero bound is none.
type Window struct{ Since, Until when.Wall }

// String is the window in words: "since 2026-11-01 00:00:00", "" for all time.
func (w Window) String() string {
	switch {
	case w.Since != 0 && w.Until != 0:
		return fmt.Sprintf("between %s and %s", w.Since, w.Until)
	case w.Since != 0:
		return fmt.Sprintf("since %s", w.Since)
	case w.Until != 0:
		return fmt.Sprintf("before %s", w.Until)
	}
	return ""
}

// split cuts the window into whole days and what is left of a day at each end, as windows within one day. A zero bound of days
// is none; ok tells whether there is any whole day.
func (w Window) split() (days Window, ok bool, ends []Window) {
	lo, hi := w.Since, w.Until
	if lo != 0 && hi != 0 && lo >= hi {
		return Window{}, false, nil
	}
	if lo != 0 && lo != lo.Midnight() {
		next := lo.NextDay()
		if hi != 0 && hi <= next {
			return Window{}, false, []Window{w}
		}
		ends = append(ends, Window{lo, next})
		lo = next
	}
	if hi != 0 && hi != hi.Midnight() {
		ends = append(ends, Window{hi.Midnight(), hi})
		hi = hi.Midnight()
	}
	return Window{lo, hi}, lo == 0 || hi == 0 || lo < hi, ends
}

// months cuts a window of whole days into whole months and the days before and after them. A missing part has ok false;
// the days of a window without a whole month are all before.
func (w Window) months() (before, months, after part) {
	lo, hi := w.Since, w.Until
	if lo != 0 {
		if y, m, d := date(lo); d > 1 {
			lo = when.Day(y, m+1, 1)
		}
	}
	if hi != 0 {
		y, m, _ := date(hi)
		hi = when.Day(y, m, 1)
	}
	if lo != 0 && hi != 0 && lo >= hi {
		return part{w, true}, part{}, part{}
	}
	before = part{Window{w.Since, lo}, w.Since != lo}
	after = part{Window{hi, w.Until}, w.Until != hi}
	return before, part{Window{lo, hi}, true}, after
}

type part struct {
	Window
	ok bool
}

func date(w when.Wall) (year, month, day int) {
	y, m, d := w.Time().Date()
	return y, int(m), d
}

// ask asks for a range of the attackers view.
func ask(start, end string) store.ViewQuery {
	q := store.NewViewQuery()
	q.StartKey, q.EndKey = json.RawMessage(start), json.RawMessage(end)
	return q
}

// dayRows, monthRows and endRows are queries of the attackers view. Its keys are longer than these, so that an end key sorts
// before all rows of its day or month.
func dayRows(w Window) store.ViewQuery {
	q := ask(dayKey(w.Since), dayKey(w.Until))
	q.Group = true
	return q
}

func monthRows(w Window) store.ViewQuery {
	start, end := `["month"]`, `["month",{}]`
	if w.Since != 0 {
		y, m, _ := date(w.Since)
		start = fmt.Sprintf(`["month",%d,%d]`, y, m)
	}
	if w.Until != 0 {
		y, m, _ := date(w.Until)
		end = fmt.Sprintf(`["month",%d,%d]`, y, m)
	}
	q := ask(start, end)
	q.Group = true
	return q
}

func endRows(w Window) store.ViewQuery {
	q := ask(dayKey(w.Since), dayKey(w.Since.NextDay()))
	q.NoReduce = true
	return q
}

func dayKey(w when.Wall) string {
	y, m, d := date(w)
	return fmt.Sprintf(`["day",%d,%d,%d]`, y, m, d)
}
