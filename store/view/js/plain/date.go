package plain

import (
	"math"
	"strings"
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

// dateGetter is what a method of Date.prototype without arguments makes of a time value.
func dateGetter(name string) (func(ms float64) value, bool) {
	if name == "getTime" || name == "valueOf" {
		return number, name == "getTime" // a valueOf is everybody's
	}
	rest, ok := strings.CutPrefix(name, "get")
	if !ok {
		return nil, false
	}
	part, ok := dateParts[strings.TrimPrefix(rest, "UTC")]
	return func(ms float64) value {
		if math.IsNaN(ms) {
			return number(ms)
		}
		return number(float64(part(time.UnixMilli(int64(ms)).UTC())))
	}, ok
}

// getDate makes object.getter().
func getDate(object expr, getter func(ms float64) value) expr {
	return func(f *frame) value {
		if v := object(f); v.kind == isDate {
			return getter(v.n)
		} else {
			return f.unknown(v)
		}
	}
}

// newDate makes new Date(args…). Without any it is another date each time.
func (c *compiler) newDate(args []expr) expr {
	if len(args) != 1 {
		parts := c.utc(args)
		return func(f *frame) value { return value{kind: isDate, n: parts(f).n} }
	}
	return func(f *frame) value {
		switch v := args[0](f); {
		case v.kind == isText:
			f.over(v.s)
			return value{kind: isDate, n: jsdate.Parse(v.s)}
		case v.kind == isDate:
			return v
		case v.isPrimitive():
			return value{kind: isDate, n: jsdate.Clip(f.toNumber(v))}
		}
		return f.giveUp()
	}
}

// maxDateParts is how many parts of a date there are.
const maxDateParts = 7

// utc makes Date.UTC(args…) for parts that are not beyond all reason.
func (c *compiler) utc(args []expr) expr {
	if len(args) == 0 || len(args) > maxDateParts {
		return c.refuse()
	}
	return func(f *frame) value {
		parts := [maxDateParts]float64{2: 1}
		invalid := false
		for i, a := range args {
			n := f.toNumber(a(f))
			if math.IsNaN(n) || math.IsInf(n, 0) {
				invalid = true
			} else if parts[i] = math.Trunc(n); math.Abs(n) > 200_000 {
				f.giveUp()
			}
		}
		if invalid {
			return number(math.NaN())
		}
		year := parts[0]
		if year >= 0 && year <= 99 {
			year += 1900
		}
		if math.Abs(year) > 10_000 {
			f.giveUp()
		}
		day := time.Date(int(year), time.Month(int(parts[1])+1), int(parts[2]), 0, 0, 0, 0, time.UTC).Unix()
		const msPerMinute, msPerHour = 60 * 1000, 60 * 60 * 1000
		return number(jsdate.Clip(float64(day)*1000 + parts[3]*msPerHour + parts[4]*msPerMinute + parts[5]*1000 + parts[6]))
	}
}
