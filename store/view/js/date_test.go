package js

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	for _, tt := range []struct {
		s    string
		want float64
	}{
		{"2017-06-14", 1497398400000},
		{"2017-06", 1496275200000},
		{"2017", 1483228800000},
		{"2017-06-14T17:16:12Z", 1497460572000},
		{"2017-06-14T17:16:12", 1497460572000},
		{"2017-06-14 17:16:12", 1497460572000},
		{"2017-06-14T17:16", 1497460560000},
		{"2017-06-14T17:16:12.329+02:00", 1497453372329},
		{"2017-06-14T17:16:12.329-0230", 1497469572329},
		{"2017-06-14T24:00:00Z", 1497484800000},
		{"+002017-06-14", 1497398400000},
		{"-000001-01-01", -62198755200000},
		{"2017/06/14", 1497398400000},
		{"6/14/2017", 1497398400000},
		{"6/14/2017 5:16 PM", 1497460560000},
		{"6/14/17 12:00 am", 1497398400000},
		{"14 Jun 2017", 1497398400000},
		{"Jun 14, 2017 17:16:12", 1497460572000},
		{"June 14 2017 17:16", 1497460560000},
		{"14 Jun 2017 17:16:12 +0200", 1497453372000},
		{"Wed, 14 Jun 2017 17:16:12 GMT", 1497460572000},
		{"Wed Jun 14 2017 17:16:12 GMT+0000 (Coordinated Universal Time)", 1497460572000},
		{"Wed Nov 5 21:49:11 GMT-0800 1997", 878795351000},
		{"Wed Jun 14 17:16:12 EDT 2017", 1497474972000},
		{"2017-06-14 17:16:12,329", nan},
		{"2017-06-14 17:16:12.329 x", nan},
		{"2017-13-14", nan},
		{"2017-02-30", nan},
		{"2017-06-14T25:00:00", nan},
		{"2017-06-14T17:16:12.", nan},
		{"14/Jun/2017:17:16:12 +0000", nan},
		{"garbage", nan},
		{"", nan},
		{"12", nan},
		{"99999999999999999999 Jun 99999999999", nan},
		{"Jun Jun 2017", nan},
	} {
		got := parseDate(tt.s)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("parseDate(%q) = %.0f, want %.0f", tt.s, got, tt.want)
		}
	}
}

func TestDateIsUTC(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]string{
		`(function(d) { return [d.getFullYear(), d.getMonth(), d.getDate(), d.getHours(), d.getDay()] })(new Date("2017-06-11"))`: `[2017,5,11,0,0]`,
		`(function(d) { return [d.getMinutes(), d.getSeconds(), d.getMilliseconds(), d.getYear(), d.getTimezoneOffset()] })` +
			`(new Date("2017-06-14 17:16:12"))`: `[16,12,0,117,0]`,
		`new Date(2017, 5, 11)`:                                         `"2017-06-11T00:00:00.000Z"`,
		`new Date(2017, 5, 11, 1, 2, 3, 4)`:                             `"2017-06-11T01:02:03.004Z"`,
		`new Date(17, 5)`:                                               `"1917-06-01T00:00:00.000Z"`,
		`new Date(new Date(5))`:                                         `"1970-01-01T00:00:00.005Z"`,
		`new Date("5")`:                                                 `null`,
		`new Date(null).getTime()`:                                      `0`,
		`new Date(undefined).getTime()`:                                 `null`,
		`new Date(new String("2017")).getTime()`:                        `1483228800000`,
		`new Date(new Number(7)).getTime()`:                             `7`,
		`new Date(8.64e15 + 1).getTime()`:                               `null`,
		`new Date("garbage").getDate()`:                                 `null`,
		`String(new Date("garbage"))`:                                   `"Invalid Date"`,
		`String(new Date(0))`:                                           `"Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)"`,
		`new Date(0) + 1`:                                               `"Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)1"`,
		`new Date(5) - 1`:                                               `4`,
		`new Date(0).toDateString()`:                                    `"Thu Jan 01 1970"`,
		`new Date(61000).toTimeString()`:                                `"00:01:01 GMT+0000 (Coordinated Universal Time)"`,
		`new Date(0).toLocaleString()`:                                  `"1/1/1970, 12:00:00 AM"`,
		`new Date(0).toUTCString()`:                                     `"Thu, 01 Jan 1970 00:00:00 GMT"`,
		`Date.parse("2017-06-14")`:                                      `1497398400000`,
		`Date.UTC(2017, 5, 14)`:                                         `1497398400000`,
		`typeof Date.now()`:                                             `"number"`,
		`new Date() instanceof Date && new Date().constructor === Date`: `true`,
		`Object.prototype.toString.call(new Date())`:                    `"[object Date]"`,
		`(function(d) { d.setHours(5); d.setMonth(0); return d })(new Date(0))`:                                                          `"1970-01-01T05:00:00.000Z"`,
		`(function() { class D extends Date { y() { return this.getFullYear() } } var d = new D(0); return [d.y(), d instanceof D] })()`: `[1970,true]`,
		`(function() { try { Date.prototype.getYear.call(5) } catch (e) { return e instanceof TypeError } })()`:                          `true`,
	} {
		if got := strings.Join(mapAll(t, Options{}, testDoc, "function(doc) { emit("+expr+") }"), "|"); got != "0 "+want+" null" {
			t.Errorf("%s = %s, want %s", expr, got, want)
		}
	}
}

// FuzzParseDate looks for texts that hang, panic or give an instant that no Date holds.
func FuzzParseDate(f *testing.F) {
	for _, s := range []string{"2017-06-14T17:16:12.329+02:00", "Wed, 14 Jun 2017 17:16:12 GMT (x)", "6/14/17 12:00 am", "-000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms := parseDate(s)
		if math.Abs(ms) > maxDateMS || ms != math.Trunc(ms) && !math.IsNaN(ms) {
			t.Fatalf("parseDate(%q) = %v", s, ms)
		}
		if at, err := time.Parse(time.RFC3339, s); err == nil && float64(at.UnixMilli()) != ms && len(s) == len("2017-06-14T17:16:12Z") {
			t.Fatalf("parseDate(%q) = %v, RFC 3339 says %v", s, ms, at.UnixMilli())
		}
	})
}
