package js

import (
	"math"
	"time"

	"logctl/store/view/js/jsdate"
)

// dateParts are the getters of a Date. All of them work in UTC: see installDate.
var dateParts = map[string]func(t time.Time) int{
	"FullYear":     time.Time.Year,
	"Month":        func(t time.Time) int { return int(t.Month()) - 1 },
	"Date":         time.Time.Day,
	"Day":          func(t time.Time) int { return int(t.Weekday()) },
	"Hours":        time.Time.Hour,
	"Minutes":      time.Time.Minute,
	"Seconds":      time.Time.Second,
	"Milliseconds": func(t time.Time) int { return t.Nanosecond() / 1e6 },
}

// datePart is a getter's value.
func datePart(ms float64, part func(time.Time) int) datum {
	if math.IsNaN(ms) {
		return number(math.NaN())
	}
	return number(float64(part(time.UnixMilli(int64(ms)).UTC())))
}

// newDate is new Date(args...), at least one.
func (f *frame) newDate(args []datum) datum {
	if len(args) > 1 {
		return datum{kind: isDate, n: f.utc(args)}
	}
	switch d := args[0]; {
	case d.kind == isString:
		return datum{kind: isDate, n: jsdate.Parse(d.s)}
	case d.kind == isDate:
		return d
	case d.isPrimitive():
		return datum{kind: isDate, n: jsdate.Clip(f.toNumber(d))}
	}
	return f.giveUp()
}

// utc is Date.UTC for parts that are not beyond all reason.
func (f *frame) utc(args []datum) float64 {
	parts := [7]float64{2: 1}
	invalid := false
	for i, a := range args {
		n := f.toNumber(a)
		if math.IsNaN(n) || math.IsInf(n, 0) {
			invalid = true
			continue
		}
		if parts[i] = math.Trunc(n); math.Abs(n) > 200_000 {
			f.giveUp()
			return 0
		}
	}
	if invalid {
		return math.NaN()
	}
	year := parts[0]
	if year >= 0 && year <= 99 {
		year += 1900
	}
	if math.Abs(year) > 10_000 {
		f.giveUp()
		return 0
	}
	day := time.Date(int(year), time.Month(int(parts[1])+1), int(parts[2]), 0, 0, 0, 0, time.UTC).Unix()
	ms := float64(day)*1000 + parts[3]*msPerHour + parts[4]*msPerMinute + parts[5]*1000 + parts[6]
	return jsdate.Clip(ms)
}

const (
	msPerMinute = 60 * 1000
	msPerHour   = 60 * msPerMinute
)
