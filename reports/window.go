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

// resolution is that of a key of the attackers view.
type resolution string

// The resolutions.
const (
	byDays   resolution = "day"
	byMonths resolution = "month"
	byYears  resolution = "year"
)

// part is a window that the view's rows of a resolution make up.
type part struct {
	resolution
	Window
}

// parts cuts a window of whole days into whole years, whole months before and after them, and the days before and after these.
func (w Window) parts() []part {
	days := split(part{byDays, w}, byMonths, func(at when.Wall) (begin, next when.Wall) {
		y, m, _ := date(at)
		return when.Day(y, m, 1), when.Day(y, m+1, 1)
	})
	var all []part
	for _, p := range days {
		if p.resolution == byDays {
			all = append(all, p)
			continue
		}
		all = append(all, split(p, byYears, func(at when.Wall) (begin, next when.Wall) {
			y, _, _ := date(at)
			return when.Day(y, 1, 1), when.Day(y+1, 1, 1)
		})...)
	}
	return all
}

// split cuts what a coarser resolution makes up out of p, which is all that there is of it if that is nothing. period tells when the
// coarser period that a time is in begins, and the next one.
func split(p part, coarser resolution, period func(when.Wall) (begin, next when.Wall)) []part {
	lo, hi := p.Since, p.Until
	if lo != 0 {
		if begin, next := period(lo); begin != lo {
			lo = next
		}
	}
	if hi != 0 {
		hi, _ = period(hi)
	}
	if lo != 0 && hi != 0 && lo >= hi {
		return []part{p}
	}
	var all []part
	if p.Since != lo {
		all = append(all, part{p.resolution, Window{p.Since, lo}})
	}
	all = append(all, part{coarser, Window{lo, hi}})
	if p.Until != hi {
		all = append(all, part{p.resolution, Window{hi, p.Until}})
	}
	return all
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

// rows asks for the rows of a part, a group of which has the first level elements of a key in common; 0: all of them. The view's keys are
// longer than the bounds, so that an end key sorts before all rows of its period.
func (p part) rows(level int) store.ViewQuery {
	q := ask(p.key(p.Since, ""), p.key(p.Until, ",{}"))
	q.Group, q.GroupLevel = level == 0, level
	return q
}

// key is a bound of a part, with open where there is none.
func (p part) key(at when.Wall, open string) string {
	y, m, d := date(at)
	switch {
	case at == 0:
		return fmt.Sprintf(`["%s"%s]`, p.resolution, open)
	case p.resolution == byYears:
		return fmt.Sprintf(`["year",%d]`, y)
	case p.resolution == byMonths:
		return fmt.Sprintf(`["month",%d,%d]`, y, m)
	}
	return fmt.Sprintf(`["day",%d,%d,%d]`, y, m, d)
}

// addressLevel is the group_level that gives a row for each period and address; 0 of what is no resolution.
func (r resolution) addressLevel() int {
	switch r {
	case byDays:
		return 5
	case byMonths:
		return 4
	case byYears:
		return 3
	}
	return 0
}

// endRows asks for the attacks of the day that a window lies in, one by one.
func endRows(w Window) store.ViewQuery {
	day := part{byDays, Window{w.Since, w.Since.NextDay()}}
	q := ask(day.key(day.Since, ""), day.key(day.Until, ""))
	q.NoReduce = true
	return q
}
