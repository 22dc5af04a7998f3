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
	q                            AttackersQuery
	wanted                       func(ip string) bool
	processes, machines, periods names
	byIP                         map[string]*tallied // by the JSON of the address
	last                         *tallied            // that a row was of: the next one mostly is of the same
	room                         []tallied           // for the next addresses
}

// tallied is an address of which some rows were of all processes and machines.
type tallied struct {
	raw, ip             string // its JSON and what that says
	count               int64
	first, last         when.Wall
	processes, machines set
	periods             []int // of these rows
}

func (t *tally) add(s *seen) {
	process, machine := t.processes.number(s.process), t.machines.number(s.machine)
	if t.q.Process != "" && t.processes.texts[process] != t.q.Process || t.q.Machine != "" && t.machines.texts[machine] != t.q.Machine {
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
	if s.period != nil {
		a.periods = append(a.periods, t.periods.number(s.period))
		return
	}
	a.processes.add(process)
	a.machines.add(machine)
}

// address begins to add up what an address did; nil where it is not wanted.
func (t *tally) address(s *seen) *tallied {
	raw := string(s.ip)
	ip := text(raw)
	if !t.wanted(ip) {
		return nil
	}
	const atOnce = 64
	if len(t.room) == 0 {
		t.room = make([]tallied, atOnce)
	}
	a := &t.room[0]
	t.room = t.room[1:]
	a.raw, a.ip, a.first, a.last = raw, ip, s.first, s.last
	t.byIP[a.raw] = a
	return a
}

// attacker is what was added up of an address.
func (t *tally) attacker(a *tallied) Attacker {
	return Attacker{IP: a.ip, Count: a.count, First: a.first, Last: a.last,
		Processes: a.processes.names(&t.processes), Machines: a.machines.names(&t.machines)}
}

// count adds up the window by rows of all processes and machines where it has whole months or years. Days have few rows for each
// address, which would save less than asking again costs.
func (t *tally) count(ctx context.Context, v Views, db store.DBName) error {
	days, ok, ends := t.q.Window.split()
	if ok {
		for _, p := range days.parts() {
			level := 0
			if p.resolution != byDays {
				level = p.addressLevel()
			}
			if err := eachOf(ctx, v, db, p, level, t.add); err != nil {
				return err
			}
		}
	}
	return eachEnd(ctx, v, db, ends, t.add)
}

// top are the addresses with enough attacks, sorted, no more than wanted; found is how many there are.
func (t *tally) top() (top []*tallied, found int) {
	order := func(a, b *tallied) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.ip, b.ip))
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
func (t *tally) details(ctx context.Context, v Views, db store.DBName, list []*tallied) error {
	var queries []store.ViewQuery
	for _, a := range list {
		for _, period := range a.periods {
			start := t.periods.raw[period] + a.raw
			q := ask(start+"]", start+",{}]")
			q.Group = true
			queries = append(queries, q)
		}
	}
	for part := range slices.Chunk(queries, atOnce) {
		err := reduced(v.Queries(ctx, db, ddoc, attackersView, part), func(s *seen) {
			if a := t.byIP[string(s.ip)]; a != nil {
				a.processes.add(t.processes.number(s.process))
				a.machines.add(t.machines.number(s.machine))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
