package timefmt

import (
	"strings"
	"testing"
	"time"

	"logctl/format/token"
)

func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

var reference = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// guessed are times that are told apart without a layout.
var guessed = []struct{ text, want string }{
	{"2017-06-14T17:16:12Z", "2017-06-14T17:16:12Z"},
	{"2017-06-14T17:16:12.329+02:00", "2017-06-14T17:16:12.329+02:00"},
	{"2017-06-14t17:16:12.123456789-0930", "2017-06-14T17:16:12.123456789-09:30"},
	{"2017-06-14 17:16:12,329", "2017-06-14T17:16:12.329+02:00"},
	{"2017-01-14 17:16:12", "2017-01-14T17:16:12+01:00"},
	{"2017-06-14  17:16:12 UTC", "2017-06-14T17:16:12Z"},
	{"2017-06-14 17:16:12.5 +00", "2017-06-14T17:16:12.5Z"},
	{"2017/06/14 17:16:12", "2017-06-14T17:16:12+02:00"},
	{"20170614T171612Z", "2017-06-14T17:16:12Z"},
	{"170614 17:16:12", "2017-06-14T17:16:12+02:00"},
	{"14/Jun/2017:17:16:12 +0200", "2017-06-14T17:16:12+02:00"},
	{"14/Jun/2017:17:16:12 -0700", "2017-06-14T17:16:12-07:00"},
	{"14-Jun-2017 17:16:12.329", "2017-06-14T17:16:12.329+02:00"},
	{"14 Jun 2017 17:16:12.329", "2017-06-14T17:16:12.329+02:00"},
	{"14 Jun 17:16:12.329", "2025-06-14T17:16:12.329+02:00"},
	{"Jun 14 17:16:12", "2025-06-14T17:16:12+02:00"},
	{"Jan  3 00:00:00", "2026-01-03T00:00:00+01:00"},
	{"Jan  4 00:00:00", "2025-01-04T00:00:00+01:00"},
	{"Feb 29 00:00:00", "2024-02-29T00:00:00+01:00"},
	{"Jun 14 2017 17:16:12", "2017-06-14T17:16:12+02:00"},
	{"Jun 14 17:16:12 2017", "2017-06-14T17:16:12+02:00"},
	{"Jun 14, 2017 5:16:12 PM", "2017-06-14T17:16:12+02:00"},
	{"Jun 14, 2017 12:16:12 AM", "2017-06-14T00:16:12+02:00"},
	{"Wed Jun 14 17:16:12.123456 2017", "2017-06-14T17:16:12.123456+02:00"},
	{"Wed Jun 14 17:16:12 CEST 2017", "2017-06-14T17:16:12+02:00"},
	{"Wed, 14 Jun 2017 17:16:12 +0000", "2017-06-14T17:16:12Z"},
	{"Wednesday, 14-Jun-17 17:16:12 GMT", "2017-06-14T17:16:12Z"},
	{"2016-12-31T23:59:60Z", "2016-12-31T23:59:60Z"},
	{"1497453372", "2017-06-14T17:16:12+02:00"},
	{"1497453372.329", "2017-06-14T17:16:12.329+02:00"},
	{"1497453372329", "2017-06-14T17:16:12.329+02:00"},
	{"1497453372329123", "2017-06-14T17:16:12.329123+02:00"},
	{"1497453372329123456", "2017-06-14T17:16:12.329123456+02:00"},
	{"@4000000059415487139ebf2c", "2017-06-14T17:21:33.329170732+02:00"},

	{"", ""}, {"x", ""}, {"2017-06-14", ""}, {"17:16:12", ""}, {"2017-02-30 17:16:12", ""}, {"2017-06-14 24:00:00", ""},
	{"2017-06-14 17:60:12", ""}, {"2017-06-14 17:16:61", ""}, {"Foo 14 17:16:12", ""}, {"149745337", ""}, {"@400000005941549", ""},
	{"2017-06-14T17:16:12+25:00", ""}, {"2017-06-14T17:16:12 XYZ", ""}, {"Jun 31 17:16:12", ""}, {"2017-06-14 17:16:12 x", ""},
}

func TestGuess(t *testing.T) {
	t.Parallel()
	guess, zone := Guess(), berlin(t)
	for _, tt := range guessed {
		got := ""
		if when, ok := guess.Parse([]byte(tt.text)); ok {
			got = string(when.AppendRFC3339(nil, zone, reference))
		}
		if got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
		if tt.want == "" {
			continue
		}
		for _, behind := range []string{"", "] x", " vm x", ": x", ", x"} {
			if n := Prefix([]byte(tt.text + behind)); n != len(tt.text) {
				t.Errorf("%q: the time has %d bytes, want %d", tt.text+behind, n, len(tt.text))
			}
		}
		if n := Prefix([]byte(tt.text + "x")); n == len(tt.text) {
			t.Errorf("%q: a time within a word", tt.text+"x")
		}
	}
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	zone := berlin(t)
	tests := []struct{ layout, text, want string }{
		{"clf", "14/Jun/2017:17:16:12 +0200", "2017-06-14T17:16:12+02:00"},
		{"CLF", "14/Jun/2017:17:16:12", ""},
		{"rfc3164", "Jun 14 17:16:12", "2025-06-14T17:16:12+02:00"},
		{"rfc3339", "2017-06-14 17:16:12", ""},
		{"iso8601", "2017-06-14 17:16:12", "2017-06-14T17:16:12+02:00"},
		{"unix", "1497453372", "2017-06-14T17:16:12+02:00"},
		{"unix", "0", "1970-01-01T01:00:00+01:00"},
		{"unix", "999999999999", ""},
		{"unixms", "1497453372329", "2017-06-14T17:16:12.329+02:00"},
		{"unixms", "12", ""},
		{"unixus", "1497453372329001", "2017-06-14T17:16:12.329001+02:00"},
		{"unixns", "1497453372329001002", "2017-06-14T17:16:12.329001002+02:00"},
		{"tai64n", "@4000000059415487139ebf2c", "2017-06-14T17:21:33.329170732+02:00"},
		{"ctime", "Wed Jun  4 17:16:12 2017", "2017-06-04T17:16:12+02:00"},
		{"java", "Jun 4, 2017 5:16:12 PM", "2017-06-04T17:16:12+02:00"},
		{"%d.%m.%Y %H:%M:%S", "14.06.2017   17:16:12", "2017-06-14T17:16:12+02:00"},
		{"%m/%d/%y %I:%M %p", "06/14/17 05:16 pm", "2017-06-14T17:16:00+02:00"},
		{"%-m/%-d/%y", "6/4/70", "1970-06-04T00:00:00+01:00"},
		{"%m/%d/%y", "6/4/70", ""},
		{"%Y%m%d", "20170614", "2017-06-14T00:00:00+02:00"},
		{"%Y-%j", "2016-366", "2016-12-31T00:00:00+01:00"},
		{"%Y-%j", "2017-366", ""},
		{"%F %T.%3N%z", "2017-06-14 17:16:12.329+02", "2017-06-14T17:16:12.329+02:00"},
		{"%F %T%?f%?z", "2017-06-14 17:16:12", "2017-06-14T17:16:12+02:00"},
		{"%s.%f", "1497453372.5", "2017-06-14T17:16:12.5+02:00"},
		{"%B %e %T", "June 4 17:16:12", "2025-06-04T17:16:12+02:00"},
		{"%A %b %e %k:%M", "Wednesday Jun  4  7:16", "2025-06-04T07:16:00+02:00"},
		{"%d%%%m", "04%06", "2025-06-04T00:00:00+02:00"},
		{"at %F", "at 2017-06-14", "2017-06-14T00:00:00+02:00"},
		{"%s, %s", "1, 1497453372", "2017-06-14T17:16:12+02:00"},
		{"%F %Z", "2017-06-14 PDT", "2017-06-14T00:00:00-07:00"},
	}
	for _, tt := range tests {
		l, err := New(tt.layout)
		if err != nil {
			t.Errorf("%q: %v", tt.layout, err)
			continue
		}
		got := ""
		if when, ok := l.Parse([]byte(tt.text)); ok {
			got = string(when.AppendRFC3339(nil, zone, reference))
		}
		if got != tt.want {
			t.Errorf("%q of %q: %q, want %q", tt.layout, tt.text, got, tt.want)
		}
	}
	for _, name := range Names() {
		if _, err := New(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	for layout, want := range map[string]string{
		"nosuch": "no time layout", "": "no time layout", "%q": "no directive %q", "%": "must follow", "%Y-%?": "must follow", "%H:%M": "the day",
		"%j": "the day", "%Y %m": "the day", "%?Y": "no directive %Y",
	} {
		if _, err := New(layout); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want one with %q", layout, err, want)
		}
	}
}

func TestDoesNotAllocate(t *testing.T) {
	guess, zone, buf := Guess(), berlin(t), make([]byte, 0, 64)
	text := []byte("Jun 14 17:16:12")
	if n := testing.AllocsPerRun(100, func() {
		when, ok := guess.Parse(text)
		if !ok || Prefix(text) != len(text) {
			t.Fatal("no time")
		}
		buf = when.AppendRFC3339(buf[:0], zone, reference)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzTime checks that what is read is a time that Go can read again, and that layouts do no harm.
func FuzzTime(f *testing.F) {
	for _, tt := range guessed {
		f.Add("", tt.text)
		f.Add("%Y-%m-%d %H:%M:%S%?f%?z", tt.text)
		f.Add("rfc3164", tt.text)
	}
	f.Add("%s %s", "1497453372 1497453372")
	f.Add("%y%j%H %?3", "00366007 1497453372123")
	f.Add("%?@%?f%?z%Z", "@400000004c91b044077a9e94,5 -2359CEST")
	f.Add("%A, %B %-d %Y %I:%M:%S %p", "Wednesday, February 29 0000 12:59:60 AM")
	zone := berlin(f)
	f.Fuzz(func(t *testing.T, layout, text string) {
		l := Guess()
		if layout != "" {
			var err error
			if l, err = New(layout); err != nil {
				return
			}
		}
		checkPrefix(t, []byte(text))
		when, ok := l.Parse([]byte(text))
		if !ok {
			return
		}
		out := string(when.AppendRFC3339(nil, zone, reference))
		again := strings.Replace(out, ":60", ":59", 1)
		if _, err := time.Parse(time.RFC3339Nano, again); err != nil {
			t.Fatalf("%q by %q is %q: %v", text, layout, out, err)
		}
	})
}

// checkPrefix holds Prefix against trying every form, however it begins. No text with a blank in front is asked for.
func checkPrefix(t *testing.T, text []byte) {
	t.Helper()
	if len(text) == 0 || token.IsBlank(text[0]) {
		return
	}
	want := 0
	var when Time
	for _, f := range Guess().forms {
		if n := f.parse(text, &when); n > want && (n == len(text) || !isWordByte(text[n])) {
			want = n
		}
	}
	if n := Prefix(text); n != want {
		t.Fatalf("%q: the time has %d bytes, want %d", text, n, want)
	}
}

// TestPrefix changes, drops and doubles each byte of times.
func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, tt := range guessed {
		for _, behind := range []string{"", " 2017", "  2017 x", " 20178", " 123", ": x", ".", ".5", ",x", " UTC", " +0100", "x"} {
			text := tt.text + behind
			checkPrefix(t, []byte(text))
			for i := range text {
				checkPrefix(t, []byte(text[:i]+text[i+1:]))
				for _, c := range " 0123459:-/.,+TZJaepx" {
					checkPrefix(t, []byte(text[:i]+string(c)+text[i+1:]))
					checkPrefix(t, []byte(text[:i]+string(c)+text[i:]))
				}
			}
		}
	}
}

func BenchmarkGuess(b *testing.B) {
	guess, zone, buf := Guess(), berlin(b), make([]byte, 0, 64)
	text := []byte("2017-06-14 17:16:12,329")
	b.ReportAllocs()
	for b.Loop() {
		when, _ := guess.Parse(text)
		buf = when.AppendRFC3339(buf[:0], zone, reference)
	}
}
