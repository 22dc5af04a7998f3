package reports

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"logctl/store"
)

// tally adds up what addresses did.
type tally struct {
	q      AttackersQuery
	wanted func(ip string) bool
	names  interned
	byIP   map[string]*tallied // by the JSON of the address
	last   *tallied            // that a row was of: the next one mostly is of the same
}

// tallied is an address of which some rows were of all processes and machines.
type tallied struct {
	Attacker
	raw     string   // JSON of the address
	periods []string // of these rows
}

func (t *tally) add(s *seen) {
	process, machine := t.names.text(s.process), t.names.text(s.machine)
	if t.q.Process != "" && process != t.q.Process || t.q.Machine != "" && machine != t.q.Machine {
		return
	}
	a := t.last
	if a == nil || a.raw != string(s.ip) {
		a = t.byIP[string(s.ip)]
	}
	if a == nil {
		ip := text(s.ip)
		if !t.wanted(ip) {
			return
		}
		a = &tallied{Attacker: Attacker{IP: ip, First: s.first, Last: s.last}, raw: string(s.ip)}
		t.byIP[a.raw] = a
	}
	t.last = a
	a.Count += s.count
	a.First, a.Last = min(a.First, s.first), max(a.Last, s.last)
	if s.period != nil {
		a.periods = append(a.periods, t.names.same(s.period))
		return
	}
	a.Processes, a.Machines = insert(a.Processes, process), insert(a.Machines, machine)
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

// sorted are the addresses with enough attacks.
func (t *tally) sorted() []*tallied {
	all := make([]*tallied, 0, len(t.byIP))
	for _, a := range t.byIP {
		if a.Count >= t.q.Min {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b *tallied) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.IP, b.IP))
	})
	return all
}

// atOnce is how many queries are asked in one request.
const atOnce = 200

// details reads the processes and machines that rows did not tell.
func (t *tally) details(ctx context.Context, v Views, db store.DBName, list []*tallied) error {
	var queries []store.ViewQuery
	for _, a := range list {
		for _, period := range a.periods {
			start := period + a.raw
			q := ask(start+"]", start+",{}]")
			q.Group = true
			queries = append(queries, q)
		}
	}
	for part := range slices.Chunk(queries, atOnce) {
		err := reduced(v.Queries(ctx, db, ddoc, attackersView, part), func(s *seen) {
			if a := t.byIP[string(s.ip)]; a != nil {
				a.Processes = insert(a.Processes, t.names.text(s.process))
				a.Machines = insert(a.Machines, t.names.text(s.machine))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
