// Package when reads the moments that people give to --since and --until, and calculates with wall clocks.
//
// A log line tells what a clock on a wall showed, without a zone. So does a Wall: it is compared with what stands in the docs,
// and a zone only matters to know what the clock shows now. A moment without a time of day is midnight at its beginning, as
// journalctl has it: --since yesterday --until today is all of yesterday and nothing of today.
package when

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // names of zones work where a machine, or a container, has no zone files
)

// Wall is what a wall clock shows, in milliseconds since it showed 1970-01-01 00:00:00. The zero Wall is no moment.
type Wall int64

const (
	msPerDay = 24 * 60 * 60 * 1000
	minYear  = 1970
	maxYear  = 9999
)

// Of is what a clock in t's location shows at t.
func Of(t time.Time) Wall {
	y, m, d := t.Date()
	h, min, s := t.Clock()
	return Wall(time.Date(y, m, d, h, min, s, t.Nanosecond(), time.UTC).UnixMilli())
}

// Day is midnight at the beginning of a day; month and day may be beyond their range, as in time.Date.
func Day(year, month, day int) Wall {
	return Wall(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).UnixMilli())
}

// Time is w as a time in UTC, to take apart.
func (w Wall) Time() time.Time { return time.UnixMilli(int64(w)).UTC() }

// Midnight is the beginning of w's day.
func (w Wall) Midnight() Wall { return w - (w%msPerDay+msPerDay)%msPerDay }

// NextDay is the beginning of the day after w's.
func (w Wall) NextDay() Wall { return w.Midnight() + msPerDay }

// String is w as logs write it, to the second: "2017-06-14 17:16:12".
func (w Wall) String() string { return w.Time().Format(time.DateTime) }

// Zone is the time zone of that name of the IANA database; "" and "local" are the machine's.
func Zone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return time.Local, nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("there is no time zone %q: give a name such as Europe/Madrid, UTC or Local", name)
	}
	return loc, nil
}

var errForm = errors.New("is none of 7d, 36h, 90m, 2w, now, today, yesterday, monday, 2026-11-01, 2026-11-01 13:00, RFC 3339")

// Parse reads a moment as seen at now in loc:
//
//	90m 36h 7d 2w 1y 1d12h   so long ago; d, w and y by the calendar, so that 7d ago is the same time of day
//	now
//	today yesterday tomorrow monday … sunday, mon … sun    the beginning of that day, the last one of that name or today
//	2026-11-01               the beginning of that day
//	2026-11-01 13:00         also with seconds and a fraction, also with T for the blank
//	2026-11-01T13:00:00Z     RFC 3339: turned into what the clock in loc showed
func Parse(text string, now time.Time, loc *time.Location) (Wall, error) {
	w, err := parse(strings.ToLower(strings.TrimSpace(text)), now.In(loc))
	if err == nil && (w <= 0 || w.Time().Year() > maxYear) {
		err = fmt.Errorf("is out of range: years are %d to %d", minYear, maxYear)
	}
	if err != nil {
		return 0, fmt.Errorf("time %q %w", text, err)
	}
	return w, nil
}

func parse(text string, now time.Time) (Wall, error) {
	if w, ok := named(text, now); ok {
		return w, nil
	}
	if w, ok, err := ago(text, now); ok {
		return w, err
	}
	upper := strings.ToUpper(text)
	if t, err := time.Parse(time.RFC3339, upper); err == nil {
		return Of(t.In(now.Location())), nil
	}
	upper = strings.Replace(upper, "T", " ", 1)
	for _, layout := range [...]string{time.DateOnly, "2006-01-02 15:04", time.DateTime} {
		if t, err := time.Parse(layout, upper); err == nil {
			return Of(t), nil
		}
	}
	return 0, errForm
}

// named reads the words.
func named(text string, now time.Time) (Wall, bool) {
	today := Of(now).Midnight()
	switch text {
	case "now":
		return Of(now), true
	case "today":
		return today, true
	case "yesterday":
		return today - msPerDay, true
	case "tomorrow":
		return today + msPerDay, true
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if name := strings.ToLower(d.String()); text == name || text == name[:3] {
			return today - Wall((int(now.Weekday())-int(d)+7)%7)*msPerDay, true
		}
	}
	return 0, false
}

// maxDigits and maxAgo bound a number and what numbers add up to, so that nothing overflows.
const (
	maxDigits = 7
	maxAgo    = 200 * 365 * 24 * time.Hour
)

// ago reads numbers with units: so long before now. ok tells whether text has that form.
func ago(text string, now time.Time) (w Wall, ok bool, err error) {
	var clock time.Duration
	var days, years int
	for rest := text; rest != ""; {
		digits := 0
		n := 0
		for ; digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9'; digits++ {
			if digits < maxDigits {
				n = 10*n + int(rest[digits]-'0')
			}
		}
		if digits == 0 || digits == len(rest) {
			return 0, false, nil
		}
		switch rest[digits] {
		case 's':
			clock += time.Duration(n) * time.Second
		case 'm':
			clock += time.Duration(n) * time.Minute
		case 'h':
			clock += time.Duration(min(n, int(maxAgo/time.Hour)+1)) * time.Hour
		case 'd':
			days += n
		case 'w':
			days += 7 * n
		case 'y':
			years += n
		default:
			return 0, false, nil
		}
		if digits > maxDigits || clock < 0 || clock > maxAgo || days > int(maxAgo/(24*time.Hour)) || years > maxYear {
			return 0, true, fmt.Errorf("is out of range: %d years at most", maxAgo/(365*24*time.Hour))
		}
		rest = rest[digits+1:]
	}
	if text == "" {
		return 0, false, nil
	}
	// Hours pass in the zone; days and years are turned back on the calendar of the wall.
	return Of(Of(now.Add(-clock)).Time().AddDate(-years, 0, -days)), true, nil
}
