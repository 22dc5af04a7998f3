package reports

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"logctl/internal/when"
	"logctl/store"
)

// tally adds up what addresses did.
type tally struct {
	seer
	q       AttackersQuery
	wanted  func(ip string) bool // nil: all are
	periods names
	byIP    map[string]*tallied // by the JSON of the address
	last    *tallied            // that a row was of: the next one mostly is of the same
	room    []tallied           // for the next addresses
}

// tallied is an address of which some rows were of all processes and machines.
type tallied struct {
	raw         string // its JSON
	count       int64
	first, last when.Wall
	by          set     // of pairs
	periods     []int32 // of the rows that tell none
}

func (t *tally) add(s *seen) {
	if t.q.Process != "" && text(s.by.process) != t.q.Process || t.q.Machine != "" && text(s.by.machine) != t.q.Machine {
		return
	}
	a := t.last
	if a == nil || a.raw != string(s.ip) {
		if a = t.byIP[string(s.ip)]; a == nil {
			if a = t.address(s); a == nil {
				return
			}
		}
		t.last = a
	}
	a.count += s.count
	a.first, a.last = min(a.first, s.first), max(a.last, s.last)
	if s.by != nil {
		a.by.add(s.by.number)
	} else {
		a.periods = append(a.periods, int32(t.periods.number(s.period)))
	}
}

// address begins to add up what an address did; nil where it is not wanted.
func (t *tally) address(s *seen) *tallied {
	raw := string(s.ip)
	if t.wanted != nil && !t.wanted(text(raw)) {
		return nil
	}
	const atOnce = 64
	if len(t.room) == 0 {
		t.room = make([]tallied, atOnce)
	}
	a := &t.room[0]
	t.room = t.room[1:]
	a.raw, a.first, a.last = raw, s.first, s.last
	t.byIP[a.raw] = a
	return a
}

// attacker is what was added up of an address.
func (t *tally) attacker(a *tallied) Attacker {
	all := Attacker{IP: text(a.raw), Count: a.count, First: a.first, Last: a.last}
	a.by.each(func(n int) {
		p := t.keys.pairs[n]
		all.Processes, all.Machines = insert(all.Processes, text(p.process)), insert(all.Machines, text(p.machine))
	})
	return all
}

// count adds up the window by rows of all processes and machines where it has whole months or years. Days have few rows for each
// address, which would save less than asking again costs.
func (t *tally) count(ctx context.Context) error {
	days, ok, ends := t.q.Window.split()
	if ok {
		for _, p := range days.parts() {
			level := 0
			if p.resolution != byDays {
				level = p.addressLevel()
			}
			if err := t.part(ctx, p, level, t.add); err != nil {
				return err
			}
		}
	}
	return t.ends(ctx, ends, t.add)
}

// top are the addresses with enough attacks, sorted, no more than wanted; found is how many there are.
func (t *tally) top() (top []*tallied, found int) {
	order := func(a, b *tallied) int {
		if c := cmp.Compare(b.count, a.count); c != 0 {
			return c
		}
		return strings.Compare(text(a.raw), text(b.raw))
	}
	limit := t.q.Limit
	for _, a := range t.byIP {
		if a.count < t.q.Min {
			continue
		}
		found++
		if limit <= 0 {
			top = append(top, a)
			continue
		}
		// They come in random order: few are still among the first when many have been seen.
		if len(top) == limit {
			if order(top[limit-1], a) < 0 {
				continue
			}
			top = top[:limit-1]
		}
		at, _ := slices.BinarySearchFunc(top, a, order)
		top = slices.Insert(top, at, a)
	}
	if limit <= 0 {
		slices.SortFunc(top, order)
	}
	return top, found
}

// atOnce is how many queries are asked in one request.
const atOnce = 200

// details reads the processes and machines that rows did not tell.
func (t *tally) details(ctx context.Context, list []*tallied) error {
	var queries []store.ViewQuery
	for _, a := range list {
		for _, period := range a.periods {
			start := t.periods.texts[period] + a.raw
			q := ask(start+"]", start+",{}]")
			q.Group = true
			queries = append(queries, q)
		}
	}
	for part := range slices.Chunk(queries, atOnce) {
		err := t.reduced(t.views.Queries(ctx, t.db, ddoc, attackersView, part), false, func(s *seen) {
			if a := t.byIP[string(s.ip)]; a != nil {
				a.by.add(s.by.number)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
