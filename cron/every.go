package cron

import (
	"fmt"
	"strconv"
	"strings"
)

// Every is how often a job runs, at even distances that both cron and systemd can say.
type Every struct {
	text     string
	crontab  string // the five fields
	calendar string // systemd's OnCalendar
}

// String is the interval as it was given.
func (e Every) String() string { return e.text }

const (
	minutesAnHour = 60
	minutesADay   = 24 * minutesAnHour
	minutesAWeek  = 7 * minutesADay
)

// unitMinutes are the units of an interval.
var unitMinutes = map[string]int{"m": 1, "min": 1, "h": minutesAnHour, "d": minutesADay, "w": minutesAWeek}

// ParseEvery reads an interval: 5m, 1h, 1d, 1w. Cron knows points in time, not distances, so minutes must divide an hour and
// hours a day; of days there are one and seven.
func ParseEvery(s string) (Every, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.Atoi(s[:digits])
	unit, ok := unitMinutes[s[digits:]]
	if err != nil || !ok || n < 1 || n > minutesAWeek {
		return Every{}, fmt.Errorf("%q is no interval: a number and m, h, d or w, as in 5m, 1h, 1d", s)
	}
	e := Every{text: s}
	switch m := n * unit; {
	case m == 1:
		e.crontab, e.calendar = "* * * * *", "*:*"
	case m < minutesAnHour && minutesAnHour%m == 0:
		e.crontab, e.calendar = fmt.Sprintf("*/%d * * * *", m), fmt.Sprintf("*:0/%d", m)
	case m == minutesAnHour:
		e.crontab, e.calendar = "0 * * * *", "hourly"
	case m < minutesADay && m%minutesAnHour == 0 && minutesADay%m == 0:
		e.crontab, e.calendar = fmt.Sprintf("0 */%d * * *", m/minutesAnHour), fmt.Sprintf("0/%d:00", m/minutesAnHour)
	case m == minutesADay:
		e.crontab, e.calendar = "0 0 * * *", "daily"
	case m == minutesAWeek:
		e.crontab, e.calendar = "0 0 * * 0", "Sun *-*-*"
	default:
		return Every{}, fmt.Errorf("cron cannot run anything every %s: there are 1, 2, 3, 4, 5, 6, 10, 12, 15, 20 and 30 minutes, "+
			"1, 2, 3, 4, 6, 8 and 12 hours, 1d and 1w", s)
	}
	return e, nil
}
