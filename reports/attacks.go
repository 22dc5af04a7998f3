package reports

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"logctl/internal/when"
	"logctl/store"
)

// By is what attacks are counted by.
type By string

// The periods and names to count by. A week begins on Monday and is named as in ISO 8601.
const (
	ByHour    By = "hour"
	ByDay     By = "day"
	ByWeek    By = "week"
	ByMonth   By = "month"
	ByYear    By = "year"
	ByMachine By = "machine"
	ByProcess By = "process"
)

// Bys are all of them.
func Bys() []By { return []By{ByHour, ByDay, ByWeek, ByMonth, ByYear, ByMachine, ByProcess} }

// periods tells what a By that is a period needs of the attacks view, and how it is written.
var periods = map[By]struct {
	level  int // group_level
	start  func(w when.Wall) when.Wall
	next   func(w when.Wall) when.Wall
	format func(w when.Wall) string
}{
	ByHour:  {5, func(w when.Wall) when.Wall { return w - w%msPerHour }, func(w when.Wall) when.Wall { return w + msPerHour }, layout("2006-01-02 15:00")},
	ByDay:   {4, when.Wall.Midnight, when.Wall.NextDay, layout("2006-01-02")},
	ByWeek:  {4, monday, func(w when.Wall) when.Wall { return w + 7*24*msPerHour }, isoWeek},
	ByMonth: {3, func(w when.Wall) when.Wall { y, m, _ := date(w); return when.Day(y, m, 1) }, func(w when.Wall) when.Wall { y, m, _ := date(w); return when.Day(y, m+1, 1) }, layout("2006-01")},
	ByYear:  {2, func(w when.Wall) when.Wall { y, _, _ := date(w); return when.Day(y, 1, 1) }, func(w when.Wall) when.Wall { y, _, _ := date(w); return when.Day(y+1, 1, 1) }, layout("2006")},
}

const msPerHour = 60 * 60 * 1000

func layout(l string) func(when.Wall) string {
	return func(w when.Wall) string { return w.Time().Format(l) }
}

func monday(w when.Wall) when.Wall {
	w = w.Midnight()
	return w - when.Wall((int(w.Time().Weekday())+6)%7)*24*msPerHour
}

func isoWeek(w when.Wall) string {
	y, n := w.Time().ISOWeek()
	return fmt.Sprintf("%d-W%02d", y, n)
}

// Bucket is a count of attacks; At is set where they are counted by a period, Name where by a name.
type Bucket struct {
	Name  string
	At    when.Wall
	Count int64
}

// Attacks counts attacks within a window: by a period in order of time, without the empty ones, or by a name with the
// highest count first. Docs without a machine, or a process, are counted under "".
func Attacks(ctx context.Context, v Views, db store.DBName, w Window, by By) ([]Bucket, error) {
	switch {
	case by == ByProcess:
		return byProcess(ctx, v, db, w)
	case by != ByMachine && periods[by].level == 0:
		return nil, fmt.Errorf("attacks can't be counted by %q", by)
	}
	names, times := map[string]int64{}, map[when.Wall]int64{}
	add := func(machine []byte, at when.Wall, n int64) {
		if by == ByMachine {
			names[string(machine)] += n
		} else {
			times[periods[by].start(at)] += n
		}
	}
	days, whole, ends := w.split()
	if whole {
		if err := wholeDays(ctx, v, db, days, level(by), add); err != nil {
			return nil, err
		}
	}
	// The attacks view knows no minutes: what is left of a day at each end is counted by the attackers view.
	r := seer{views: v, db: db}
	if err := r.ends(ctx, ends, func(s *seen) { add([]byte(s.by.machine), s.first, s.count) }); err != nil {
		return nil, err
	}
	if by == ByMachine {
		return byName(names), nil
	}
	buckets := make([]Bucket, 0, len(times))
	for _, at := range slices.Sorted(maps.Keys(times)) {
		buckets = append(buckets, Bucket{Name: periods[by].format(at), At: at, Count: times[at]})
	}
	return buckets, nil
}

func level(by By) int {
	if by == ByMachine {
		return 1
	}
	return periods[by].level
}

// wholeDays counts by the attacks view. Its keys begin with the machine, so a window with a bound is asked for machine by machine.
func wholeDays(ctx context.Context, v Views, db store.DBName, w Window, level int, add func([]byte, when.Wall, int64)) error {
	if w == (Window{}) {
		return counted(ctx, v, db, groups(level), add)
	}
	var machines []string
	err := counted(ctx, v, db, groups(1), func(machine []byte, _ when.Wall, _ int64) { machines = append(machines, string(machine)) })
	if err != nil {
		return err
	}
	for _, m := range machines {
		q := groups(level)
		q.StartKey, q.EndKey = json.RawMessage("["+m+"]"), json.RawMessage("["+m+",{}]")
		if w.Since != 0 {
			q.StartKey = machineDay(m, w.Since)
		}
		if w.Until != 0 {
			q.EndKey = machineDay(m, w.Until)
			q.ExclusiveEnd = true // a doc without an hour has just this key
		}
		if err := counted(ctx, v, db, q, add); err != nil {
			return err
		}
	}
	return nil
}

func groups(level int) store.ViewQuery {
	q := store.NewViewQuery()
	q.GroupLevel = level
	return q
}

func machineDay(machine string, w when.Wall) json.RawMessage {
	y, m, d := date(w)
	return fmt.Appendf(nil, "[%s,%d,%d,%d]", machine, y, m, d)
}

// counted reads rows of key [machine, year, month, day, hour], cut at any level, and a count.
func counted(ctx context.Context, v Views, db store.DBName, q store.ViewQuery, add func([]byte, when.Wall, int64)) error {
	var keys keyReader
	for row, err := range v.View(ctx, db, ddoc, attacksView, q) {
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(row.Value), 10, 64)
		key, ok := keys.elements(row.Key)
		if !ok || len(key) == 0 || err != nil {
			return unexpected(row)
		}
		at := [...]int{0, 1, 1, 0} // year, month, day, hour
		for i, part := range key[1:] {
			if i == len(at) {
				return unexpected(row)
			}
			if at[i], err = strconv.Atoi(string(part)); err != nil {
				return unexpected(row)
			}
		}
		add(key[0], when.Day(at[0], at[1], at[2])+when.Wall(at[3])*msPerHour, n)
	}
	return nil
}

func byProcess(ctx context.Context, v Views, db store.DBName, w Window) ([]Bucket, error) {
	names := map[string]int64{}
	r := seer{views: v, db: db}
	err := r.each(ctx, w, func(s *seen) { names[s.by.process] += s.count })
	if err != nil {
		return nil, err
	}
	return byName(names), nil
}

// byName turns counts by JSON text into buckets, the highest count first.
func byName(counts map[string]int64) []Bucket {
	buckets := make([]Bucket, 0, len(counts))
	for raw, n := range counts {
		buckets = append(buckets, Bucket{Name: text(raw), Count: n})
	}
	slices.SortFunc(buckets, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return buckets
}

// maxFilled is how many rows a table may have once its gaps are filled: beyond it, they say less than they hide.
const maxFilled = 400

// FillGaps puts empty periods between buckets that are periods: bars beside a gap would tell a wrong story. It leaves
// buckets alone where too many would be missing.
func FillGaps(buckets []Bucket, by By) []Bucket {
	p, ok := periods[by]
	if !ok || len(buckets) < 2 {
		return buckets
	}
	var filled []Bucket
	at := buckets[0].At
	for _, b := range buckets {
		for ; at < b.At; at = p.next(at) {
			if len(filled) == maxFilled {
				return buckets
			}
			filled = append(filled, Bucket{Name: p.format(at), At: at})
		}
		filled = append(filled, b)
		at = p.next(b.At)
	}
	return filled
}

// AttacksResult is the table of attacks counted by by.
func AttacksResult(buckets []Bucket, by By) Result {
	return Result{
		Columns: []Column{{Name: string(by)}, {Name: "count", Number: true, Bar: true}},
		Rows: func(yield func([]any, error) bool) {
			for _, b := range buckets {
				if !yield([]any{b.Name, b.Count}, nil) {
					return
				}
			}
		},
	}
}
