package reports

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"logctl/internal/when"
	"logctl/store"
)

func wall(t testing.TB, s string) when.Wall {
	t.Helper()
	if s == "" {
		return 0
	}
	w, err := when.Parse(s, time.Now(), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// pieces are the queries that a window is cut into, in short.
func pieces(w Window) string {
	var out []string
	days, ok, ends := w.split()
	if ok {
		for _, p := range days.parts() {
			q := p.rows(0)
			out = append(out, fmt.Sprintf("%s-%s", q.StartKey, q.EndKey))
		}
	}
	for _, e := range ends {
		out = append(out, fmt.Sprintf("%s<%s", e.Since, e.Until.Time().Format("15:04")))
	}
	return strings.Join(out, "; ")
}

func TestWindowPieces(t *testing.T) {
	t.Parallel()
	tests := []struct{ since, until, want string }{
		{"", "", `["year"]-["year",{}]`},
		{"2026-01-01", "", `["year",2026]-["year",{}]`},
		{"2026-11-01", "", `["month",2026,11]-["month",2027,1]; ["year",2027]-["year",{}]`},
		{"2026-11-02", "", `["day",2026,11,2]-["day",2026,12,1]; ["month",2026,12]-["month",2027,1]; ["year",2027]-["year",{}]`},
		{"", "2026-11-01", `["year"]-["year",2026]; ["month",2026,1]-["month",2026,11]`},
		{"", "2026-11-03", `["year"]-["year",2026]; ["month",2026,1]-["month",2026,11]; ["day",2026,11,1]-["day",2026,11,3]`},
		{"", "2026-01-03", `["year"]-["year",2026]; ["day",2026,1,1]-["day",2026,1,3]`},
		{"2026-10-30", "2026-11-03", `["day",2026,10,30]-["day",2026,11,3]`},
		{"2026-09-30", "2026-11-03", `["day",2026,9,30]-["day",2026,10,1]; ["month",2026,10]-["month",2026,11]; ["day",2026,11,1]-["day",2026,11,3]`},
		{"2025-01-01", "2026-01-01", `["year",2025]-["year",2026]`},
		{"2024-11-15", "2026-02-03", `["day",2024,11,15]-["day",2024,12,1]; ["month",2024,12]-["month",2025,1]; ["year",2025]-["year",2026]; ["month",2026,1]-["month",2026,2]; ["day",2026,2,1]-["day",2026,2,3]`},
		{"2025-02-01", "2026-12-01", `["month",2025,2]-["month",2026,12]`},
		{"2026-11-01 10:00", "2026-11-01 11:00", `2026-11-01 10:00:00<11:00`},
		{"2026-11-01 10:00", "2026-11-02", `2026-11-01 10:00:00<00:00`},
		{"2026-11-01", "2026-11-01 11:00", `2026-11-01 00:00:00<11:00`},
		{"2026-10-31 10:00", "2026-11-01 11:00", `2026-10-31 10:00:00<00:00; 2026-11-01 00:00:00<11:00`},
		{"2026-12-31 10:00", "", `["year",2027]-["year",{}]; 2026-12-31 10:00:00<00:00`},
		{"2026-11-02", "2026-11-02", ``},
		{"2026-11-03", "2026-11-02", ``},
	}
	for _, tt := range tests {
		if got := pieces(Window{wall(t, tt.since), wall(t, tt.until)}); got != tt.want {
			t.Errorf("%s to %s\n got %s\nwant %s", tt.since, tt.until, got, tt.want)
		}
	}
}

// someAttacks makes up attacks over two years.
func someAttacks(rnd *rand.Rand, n int) []attack {
	var all []attack
	processes, machines := []any{"sshd", "postfix", nil}, []any{"web1", "web2", nil, 7}
	for range n {
		all = append(all, attack{
			at:      when.Day(2025, 1, 1) + when.Wall(rnd.Int64N(2*365*24*60*60*1000)),
			ip:      fmt.Sprintf("192.0.2.%d", rnd.IntN(30)),
			process: processes[rnd.IntN(len(processes))],
			machine: machines[rnd.IntN(len(machines))],
			noHour:  rnd.IntN(20) == 0,
		})
	}
	return all
}

func randomWindow(rnd *rand.Rand) Window {
	at := func() when.Wall {
		w := when.Day(2025, 1, 1) + when.Wall(rnd.Int64N(2*365*24*60*60*1000))
		switch rnd.IntN(4) {
		case 0:
			return 0
		case 1:
			return w.Midnight()
		case 2:
			y, m, _ := date(w)
			return when.Day(y, m, 1)
		}
		return w
	}
	w := Window{at(), at()}
	if rnd.IntN(4) == 0 && w.Since != 0 {
		w.Until = w.Since + when.Wall(rnd.Int64N(3*24*60*60*1000))
	}
	return w
}

func (w Window) has(a attack) bool {
	at := a.at
	if a.noHour {
		at = at.Midnight()
	}
	return at >= w.Since && (w.Until == 0 || at < w.Until)
}

// What reports say of a window is what counting the attacks within it one by one says.
func TestReportsAgreeWithCounting(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	now := &fakeViews{attacks: someAttacks(rnd, 800)}
	before := &fakeViews{attacks: now.attacks, noYears: true}
	for n := range 150 {
		f := now
		if n%10 == 9 {
			f = before
		}
		w := randomWindow(rnd)
		counts := map[string]int64{}
		buckets := map[By]map[string]int64{}
		var total int64
		for _, a := range f.attacks {
			if !w.has(a) {
				continue
			}
			total++
			counts[a.ip.(string)]++
			at := a.at
			if a.noHour {
				at = at.Midnight()
			}
			for _, by := range Bys() {
				if buckets[by] == nil {
					buckets[by] = map[string]int64{}
				}
				name := text(string(encode(map[By]any{ByMachine: a.machine, ByProcess: a.process}[by])))
				if p, ok := periods[by]; ok {
					name = p.format(at)
				}
				buckets[by][name]++
			}
		}
		top, found, err := Attackers(t.Context(), f, "log_x", AttackersQuery{Window: w})
		if err != nil || found != len(counts) || len(top) != found {
			t.Fatalf("%s: %d attackers, want %d: %v", w, found, len(counts), err)
		}
		// The first few are the same, whatever is read of the others.
		few, foundOfFew, err := Attackers(t.Context(), f, "log_x", AttackersQuery{Window: w, Limit: 4})
		if err != nil || foundOfFew != found || !reflect.DeepEqual(few, top[:min(4, found)]) {
			t.Fatalf("%s: %+v of %d, %v\nwant %+v of %d", w, few, foundOfFew, err, top[:min(4, found)], found)
		}
		for i, a := range top {
			if a.Count != counts[a.IP] || a.First < w.Since || w.Until != 0 && a.Last >= w.Until || a.First > a.Last {
				t.Fatalf("%s: %+v, want %d", w, a, counts[a.IP])
			}
			if i > 0 && (top[i-1].Count < a.Count || top[i-1].Count == a.Count && top[i-1].IP > a.IP) {
				t.Fatalf("%s: %+v after %+v", w, a, top[i-1])
			}
		}
		for _, by := range Bys() {
			got, err := Attacks(t.Context(), f, "log_x", w, by)
			if err != nil {
				t.Fatal(err)
			}
			sum := map[string]int64{}
			for _, b := range got {
				sum[b.Name] += b.Count
			}
			if len(sum) != len(got) || !reflect.DeepEqual(sum, buckets[by]) && total > 0 {
				t.Fatalf("%s by %s\n got %v\nwant %v", w, by, sum, buckets[by])
			}
			if _, ok := periods[by]; ok && !slices.IsSortedFunc(got, func(a, b Bucket) int { return int(a.At - b.At) }) {
				t.Fatalf("%s by %s is out of order", w, by)
			}
		}
	}
}

// Years and months of many attacks cost rows for their addresses, not for the attacks, and where few addresses are wanted no rows for
// what the others attacked.
func TestAttackersCostsItsAnswer(t *testing.T) {
	t.Parallel()
	f := &fakeViews{}
	for i := range 20_000 {
		f.attacks = append(f.attacks, attack{at: when.Day(2025, 1, 1) + when.Wall(i)*26*60*1000, ip: fmt.Sprint(i % 7), process: i % 2, machine: i % 3})
	}
	for _, tt := range []struct {
		w           Window
		limit, cost int
	}{
		{Window{when.Day(2025, 1, 1), when.Day(2026, 1, 1)}, 0, 7 * 6},
		{Window{when.Day(2025, 1, 1), when.Day(2026, 1, 1)}, 2, 7 + 2*6},
		{Window{when.Day(2025, 2, 1), when.Day(2025, 7, 1)}, 2, 5 * (7 + 2*6)},
		{Window{when.Day(2024, 1, 1), 0}, 1, 7 + 6},
		{Window{}, 1, 7 + 6},
	} {
		f.asked = 0
		_, found, err := Attackers(t.Context(), f, "log_x", AttackersQuery{Window: tt.w, Limit: tt.limit})
		if err != nil || found != 7 || f.asked != tt.cost {
			t.Errorf("%s, limit %d: %d addresses from %d rows, want 7 from %d: %v", tt.w, tt.limit, found, f.asked, tt.cost, err)
		}
	}
}

func TestAttackersFilters(t *testing.T) {
	t.Parallel()
	day := when.Day(2026, 11, 1)
	f := &fakeViews{attacks: []attack{
		{at: day + 5000, ip: "192.0.2.1", process: "sshd", machine: "a"},
		{at: day + 3000, ip: "192.0.2.1", process: "nginx", machine: "b"},
		{at: day + 4000, ip: "192.0.2.2", process: "sshd", machine: "a"},
		{at: day + 4000, ip: "192.0.2.10", process: "sshd", machine: "a"},
		{at: day + 1000, ip: "2001:db8::1", process: "sshd", machine: nil},
	}}
	tests := []struct {
		q     AttackersQuery
		want  string
		found int
	}{
		{AttackersQuery{}, "192.0.2.1 2 [nginx sshd] [a b]; 192.0.2.10 1 [sshd] [a]; 192.0.2.2 1 [sshd] [a]; 2001:db8::1 1 [sshd] []", 4},
		{AttackersQuery{Limit: 1}, "192.0.2.1 2 [nginx sshd] [a b]", 4},
		{AttackersQuery{Min: 2}, "192.0.2.1 2 [nginx sshd] [a b]", 1},
		{AttackersQuery{Process: "nginx"}, "192.0.2.1 1 [nginx] [b]", 1},
		{AttackersQuery{Machine: "a", Limit: 2}, "192.0.2.1 1 [sshd] [a]; 192.0.2.10 1 [sshd] [a]", 3},
		{AttackersQuery{IP: "192.0.2.2"}, "192.0.2.2 1 [sshd] [a]", 1},
		{AttackersQuery{IP: "::ffff:192.0.2.2"}, "192.0.2.2 1 [sshd] [a]", 1},
		{AttackersQuery{IP: "192.0.2.0/29"}, "192.0.2.1 2 [nginx sshd] [a b]; 192.0.2.2 1 [sshd] [a]", 2},
		{AttackersQuery{IP: "2001:DB8:0::1"}, "2001:db8::1 1 [sshd] []", 1},
		{AttackersQuery{IP: "nobody"}, "", 0},
	}
	for _, tt := range tests {
		top, found, err := Attackers(t.Context(), f, "log_x", tt.q)
		var got []string
		for _, a := range top {
			got = append(got, fmt.Sprint(a.IP, " ", a.Count, " ", a.Processes, " ", a.Machines))
		}
		if s := strings.Join(got, "; "); s != tt.want || found != tt.found || err != nil {
			t.Errorf("%+v\n got %s (%d), %v\nwant %s (%d)", tt.q, s, found, err, tt.want, tt.found)
		}
	}
	top, _, _ := Attackers(t.Context(), f, "log_x", AttackersQuery{Limit: 1})
	if top[0].First != day+3000 || top[0].Last != day+5000 {
		t.Errorf("seen from %s to %s", top[0].First, top[0].Last)
	}
}

func TestErrorsOfViewsArePassedOn(t *testing.T) {
	t.Parallel()
	f := &fakeViews{attacks: someAttacks(rand.New(rand.NewPCG(3, 4)), 20), err: store.NewError(store.KindForbidden, "no")}
	for _, w := range []Window{{}, {Since: when.Day(2025, 5, 5) + 1}, {Since: when.Day(2025, 5, 5)}} {
		if _, _, err := Attackers(t.Context(), f, "log_x", AttackersQuery{Window: w}); !errors.Is(err, f.err) {
			t.Errorf("Attackers %s: %v", w, err)
		}
		for _, by := range Bys() {
			if _, err := Attacks(t.Context(), f, "log_x", w, by); !errors.Is(err, f.err) {
				t.Errorf("Attacks %s by %s: %v", w, by, err)
			}
		}
	}
}

// strange gives rows as no view of ours does.
type strange struct {
	*fakeViews
	key string
}

func (s strange) View(context.Context, store.DBName, string, string, store.ViewQuery) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		yield(store.Row{Key: json.RawMessage(s.key), Value: json.RawMessage(`{"sum":1,"count":1,"min":1,"max":1,"sumsqr":1}`)}, nil)
	}
}

func TestStrangeRows(t *testing.T) {
	t.Parallel()
	for _, key := range []string{`null`, `1`, `"year"`, `[]`, `[1,2,3]`, `["",2,3]`, `["year",2025]`, `["year",2025,"ip","p"]`, `["week",2025,"ip"]`, `[{},2025,"ip"]`} {
		for _, limit := range []int{0, 5} {
			_, _, err := Attackers(t.Context(), strange{key: key}, "log_x", AttackersQuery{Limit: limit})
			if err == nil || !strings.Contains(err.Error(), "not this report's") {
				t.Errorf("%s: %v", key, err)
			}
		}
	}
}

func TestFillGaps(t *testing.T) {
	t.Parallel()
	bucket := func(by By, day string, n int64) Bucket {
		at := periods[by].start(wall(t, day))
		return Bucket{periods[by].format(at), at, n}
	}
	tests := []struct {
		by   By
		in   []Bucket
		want string
	}{
		{ByDay, []Bucket{bucket(ByDay, "2026-02-27", 1), bucket(ByDay, "2026-03-02", 2)}, "2026-02-27:1 2026-02-28:0 2026-03-01:0 2026-03-02:2"},
		{ByWeek, []Bucket{bucket(ByWeek, "2026-12-27", 1), bucket(ByWeek, "2027-01-12", 2)}, "2026-W52:1 2026-W53:0 2027-W01:0 2027-W02:2"},
		{ByMonth, []Bucket{bucket(ByMonth, "2026-11-27", 1), bucket(ByMonth, "2027-01-12", 2)}, "2026-11:1 2026-12:0 2027-01:2"},
		{ByYear, []Bucket{bucket(ByYear, "2024-11-27", 1), bucket(ByYear, "2026-01-12", 2)}, "2024:1 2025:0 2026:2"},
		{ByHour, []Bucket{bucket(ByHour, "2026-11-27 22:59", 1), bucket(ByHour, "2026-11-28 00:01", 2)}, "2026-11-27 22:00:1 2026-11-27 23:00:0 2026-11-28 00:00:2"},
		{ByDay, []Bucket{bucket(ByDay, "2017-06-14", 1), bucket(ByDay, "2026-03-02", 2)}, "2017-06-14:1 2026-03-02:2"},
		{ByMachine, []Bucket{{Name: "a", Count: 1}}, "a:1"},
	}
	for _, tt := range tests {
		var got []string
		for _, b := range FillGaps(tt.in, tt.by) {
			got = append(got, fmt.Sprintf("%s:%d", b.Name, b.Count))
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("by %s\n got %s\nwant %s", tt.by, s, tt.want)
		}
	}
}

func FuzzElements(f *testing.F) {
	f.Add(`["day",2026,11,1,"a,]\"",null,{"x":[1,2]}]`, `["day",2026,11,1,"a,",null,{"x":[1]}]`)
	f.Add(`[ 1 , 2 ]`, `[ 1 , 22 , "\\" ]`)
	f.Add(`[]`, `[1]`)
	f.Add(`["a","b","c"]`, `["a","b"]`)
	f.Add(`[[1,2],3]`, `[[1,2`)
	f.Fuzz(func(t *testing.T, first, second string) {
		var keys keyReader
		for _, s := range []string{first, second, second, first} {
			got, ok := keys.elements([]byte(s))
			if alone, okAlone := new(keyReader).elements([]byte(s)); ok != okAlone || ok && !slices.EqualFunc(got, alone, bytes.Equal) {
				t.Errorf("elements(%s) after %s and %s: %q, %t, alone %q, %t", s, first, second, got, ok, alone, okAlone)
			}
			var want []any
			if !ok || !strings.HasPrefix(s, "[") || jsonUnmarshal(s, &want) != nil {
				continue
			}
			if len(got) != len(want) {
				t.Errorf("elements(%s): %q, want %d", s, got, len(want))
			}
		}
	})
}
