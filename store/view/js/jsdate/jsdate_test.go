package jsdate

import (
	"math"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
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
		got := Parse(tt.s)
		if got != tt.want && !(math.IsNaN(got) && math.IsNaN(tt.want)) {
			t.Errorf("Parse(%q) = %.0f, want %.0f", tt.s, got, tt.want)
		}
	}
}

// FuzzParse looks for texts that hang, panic or give an instant that no Date holds.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"2017-06-14T17:16:12.329+02:00", "Wed, 14 Jun 2017 17:16:12 GMT (x)", "6/14/17 12:00 am", "-000001", "2017-06-14T17:16:12Z",
		"Wed Jun 14 2017 17:16:12 GMT+0200 (CEST)", "June 14, 2017, 5:16 PM", "2017/06/14 -0430", "+275760-09-13T00:00:00.001Z", "2016-02-29 24:00", "1 1 1 1:1:1 EST"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms := Parse(s)
		if math.Abs(ms) > maxMS || ms != math.Trunc(ms) && !math.IsNaN(ms) {
			t.Fatalf("Parse(%q) = %v", s, ms)
		}
		if at, err := time.Parse(time.RFC3339, s); err == nil && float64(at.UnixMilli()) != ms && len(s) == len("2017-06-14T17:16:12Z") {
			t.Fatalf("Parse(%q) = %v, RFC 3339 says %v", s, ms, at.UnixMilli())
		}
	})
}
