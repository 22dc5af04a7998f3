package reports

import (
	"context"
	"net/netip"

	"logctl/internal/when"
	"logctl/store"
)

// AttackersQuery asks which addresses attacked. Empty filters let everything pass.
type AttackersQuery struct {
	Window           Window
	Limit            int   // addresses at most, those with the highest counts; 0: all
	Min              int64 // attacks of an address at least
	Machine, Process string
	IP               string // an address, or a network such as 192.0.2.0/24
}

// Attacker is an address and what it did within the window.
type Attacker struct {
	IP                  string
	Count               int64
	First, Last         when.Wall
	Processes, Machines []string // sorted
}

// Attackers are the addresses that attacked, the highest count first, equal ones by address; found is how many there
// are whatever the limit.
func Attackers(ctx context.Context, v Views, db store.DBName, q AttackersQuery) (top []Attacker, found int, err error) {
	t := tally{seer: seer{views: v, db: db}, q: q, wanted: addressFilter(q.IP), byIP: make(map[string]*tallied, 1<<11)}
	// Where only some addresses are wanted, the processes and machines of the others need not be read.
	if short := q.Limit > 0 && q.Process == "" && q.Machine == ""; short {
		err = t.count(ctx)
	} else {
		err = t.each(ctx, q.Window, t.add)
	}
	if err != nil {
		return nil, 0, err
	}
	all, found := t.top()
	if err := t.details(ctx, all); err != nil {
		return nil, 0, err
	}
	top = make([]Attacker, len(all))
	for i := range all {
		top[i] = t.attacker(all[i])
	}
	return top, found, nil
}

// AttackersResult is the table of attackers.
func AttackersResult(attackers []Attacker) Result {
	return Result{
		Columns: []Column{{Name: "ip"}, {Name: "count", Number: true, Bar: true}, {Name: "first", Minor: true}, {Name: "last"}, {Name: "processes"}, {Name: "machines", Minor: true}},
		Rows: func(yield func([]any, error) bool) {
			for _, a := range attackers {
				if !yield([]any{a.IP, a.Count, a.First.String(), a.Last.String(), a.Processes, a.Machines}, nil) {
					return
				}
			}
		},
	}
}

// addressFilter tells which addresses are s, or in it; nil for "", which all are. Addresses are compared by what they mean: "2001:DB8::0:1" is
// "2001:db8::1", and "::ffff:192.0.2.1" is "192.0.2.1". fail2ban may ban a network, too.
func addressFilter(s string) func(ip string) bool {
	if s == "" {
		return nil
	}
	if network, err := netip.ParsePrefix(s); err == nil {
		return func(ip string) bool {
			a, err := netip.ParseAddr(ip)
			return ip == s || err == nil && network.Contains(a.Unmap())
		}
	}
	want, err := netip.ParseAddr(s)
	if err != nil {
		return func(ip string) bool { return ip == s }
	}
	return func(ip string) bool {
		a, err := netip.ParseAddr(ip)
		return ip == s || err == nil && a.Unmap() == want.Unmap()
	}
}
