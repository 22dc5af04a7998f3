package when

import (
	"strings"
	"testing"
	"testing/quick"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	t.Parallel()
	madrid := zone(t, "Europe/Madrid")
	// A Wednesday, three days after the clocks in Madrid went from 03:00 back to 02:00.
	now := time.Date(2026, 10, 28, 13, 5, 9, 250e6, madrid)
	tests := []struct{ text, want string }{
		{"now", "2026-10-28 13:05:09"},
		{"today", "2026-10-28 00:00:00"},
		{"Yesterday", "2026-10-27 00:00:00"},
		{"tomorrow", "2026-10-29 00:00:00"},
		{"wednesday", "2026-10-28 00:00:00"},
		{"monday", "2026-10-26 00:00:00"},
		{"thu", "2026-10-22 00:00:00"},
		{"90m", "2026-10-28 11:35:09"},
		{"30s", "2026-10-28 13:04:39"},
		{"7d", "2026-10-21 13:05:09"}, // the same time of day, though 169 hours ago
		{"168h", "2026-10-21 14:05:09"},
		{"2w", "2026-10-14 13:05:09"},
		{"1y", "2025-10-28 13:05:09"},
		{"1d12h", "2026-10-27 01:05:09"},
		{"2026-11-01", "2026-11-01 00:00:00"},
		{" 2026-11-01 13:00 ", "2026-11-01 13:00:00"},
		{"2026-11-01T13:00", "2026-11-01 13:00:00"},
		{"2026-11-01 13:00:07", "2026-11-01 13:00:07"},
		{"2026-11-01 13:00:07.9", "2026-11-01 13:00:07"},
		{"2026-03-29 02:30", "2026-03-29 02:30:00"}, // no clock in Madrid showed it, but a log may
		{"2026-11-01T13:00:00Z", "2026-11-01 14:00:00"},
		{"2026-07-01t13:00:00z", "2026-07-01 15:00:00"},
		{"2026-11-01T13:00:00-05:00", "2026-11-01 19:00:00"},
	}
	for _, tt := range tests {
		got, err := Parse(tt.text, now, madrid)
		if err != nil || got.String() != tt.want {
			t.Errorf("Parse(%q) = %s, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 28, 13, 5, 9, 0, time.UTC)
	for _, text := range []string{"", "7", "d", "7x", "7 d", "-7d", "99999999d", "9999999y", "9999999h", "1700000h1700000h", "70000d70000d", "yesterdays", "2026-13-01", "2026-02-30",
		"2026-11-01 25:00", "01/11/2026", "1969-12-31", "0001-01-01", "10000-01-01", "2026-11-01 13", "\x00"} {
		if got, err := Parse(text, now, time.UTC); err == nil {
			t.Errorf("Parse(%q) = %s, want an error", text, got)
		} else if !strings.HasPrefix(err.Error(), "time ") {
			t.Errorf("Parse(%q): %v", text, err)
		}
	}
	if _, err := Zone("Mars/Olympus"); err == nil {
		t.Error("Zone of Mars")
	}
	if _, err := Zone("../../etc/passwd"); err == nil {
		t.Error("Zone of a path")
	}
}

// What a Wall writes it reads again, whatever the zone and the moment of asking.
func TestWallRoundTrip(t *testing.T) {
	t.Parallel()
	zones := []*time.Location{time.UTC, zone(t, "America/New_York"), zone(t, "Australia/Lord_Howe"), zone(t, "Pacific/Kiritimati")}
	err := quick.Check(func(seconds uint32, z uint8) bool {
		w := Wall(seconds)*1000 + 1000
		loc := zones[int(z)%len(zones)]
		got, err := Parse(w.String(), time.Unix(int64(seconds), 0), loc)
		y, m, d := w.Time().Date()
		return err == nil && got == w && Day(y, int(m), d) == w.Midnight() && w.Midnight() <= w && w < w.NextDay() && w.NextDay()-w.Midnight() == msPerDay
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

// A longer time ago is not later, and days ago keep the time of day.
func TestAgoIsOrdered(t *testing.T) {
	t.Parallel()
	loc := zone(t, "Europe/Madrid")
	err := quick.Check(func(seconds uint32, a, b uint8) bool {
		now := time.Unix(1e9+int64(seconds)/4, 0)
		x, errX := Parse(strings.Repeat("1d", int(a)+1), now, loc)
		y, errY := Parse(strings.Repeat("1d", int(a)+1+int(b)), now, loc)
		same := x-x.Midnight() == Of(now.In(loc))-Of(now.In(loc)).Midnight()
		return errX == nil && errY == nil && y <= x && same
	}, nil)
	if err != nil {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"7d", "yesterday", "monday", "2026-11-01 13:00", "2026-11-01T13:00:00+02:00", "1d12h", "999999y",
		"1y29d", "0s", "9999999w9999999w", "2024-02-29t24:00", "1970-01-01", "9999-12-31T23:59:59-23:59", "sun", " NOW\u00a0", "1\u0661d"} {
		f.Add(s, int64(1.8e9))
		f.Add(s, int64(0))
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		w, err := Parse(text, time.Unix(unix&(1<<32-1), 0), time.UTC)
		if err == nil && (w <= 0 || w.Time().Year() > maxYear) {
			t.Errorf("Parse(%q) = %d", text, w)
		}
	})
}
