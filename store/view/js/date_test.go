package js

import (
	"strings"
	"testing"
)

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
