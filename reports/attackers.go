package reports

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

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
	byIP := map[string]*Attacker{}
	wanted := addressFilter(q.IP)
	names := interned{}
	err = eachSeen(ctx, v, db, q.Window, func(s *seen) {
		process, machine := names.text(s.process), names.text(s.machine)
		if q.Process != "" && process != q.Process || q.Machine != "" && machine != q.Machine {
			return
		}
		a := byIP[string(s.ip)]
		if a == nil {
			ip := text(s.ip)
			if !wanted(ip) {
				return
			}
			a = &Attacker{IP: ip, First: s.first, Last: s.last}
			byIP[string(s.ip)] = a
		}
		a.Count += s.count
		a.First, a.Last = min(a.First, s.first), max(a.Last, s.last)
		a.Processes, a.Machines = insert(a.Processes, process), insert(a.Machines, machine)
	})
	if err != nil {
		return nil, 0, err
	}
	all := make([]Attacker, 0, len(byIP))
	for _, a := range byIP {
		if a.Count >= q.Min {
			all = append(all, *a)
		}
	}
	slices.SortFunc(all, func(a, b Attacker) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.IP, b.IP))
	})
	found = len(all)
	if q.Limit > 0 && found > q.Limit {
		all = all[:q.Limit]
	}
	return all, found, nil
}

// AttackersResult is the table of attackers.
func AttackersResult(attackers []Attacker) Result {
	return Result{
		Columns: []Column{{Name: "ip"}, {Name: "count", Number: true, Bar: true}, {Name: "first"}, {Name: "last"}, {Name: "processes"}, {Name: "machines"}},
		Rows: func(yield func([]any, error) bool) {
			for _, a := range attackers {
				if !yield([]any{a.IP, a.Count, a.First.String(), a.Last.String(), a.Processes, a.Machines}, nil) {
					return
				}
			}
		},
	}
}

// addressFilter tells which addresses are s, or in it. Addresses are compared by what they mean: "2001:DB8::0:1" is
// "2001:db8::1", and "::ffff:192.0.2.1" is "192.0.2.1". fail2ban may ban a network, too.
func addressFilter(s string) func(ip string) bool {
	if s == "" {
		return func(string) bool { return true }
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

// insert adds s to sorted names, unless it is empty or there already.
func insert(names []string, s string) []string {
	if s == "" {
		return names
	}
	i, there := slices.BinarySearch(names, s)
	if there {
		return names
	}
	return slices.Insert(names, i, s)
}

// interned keeps one string for each JSON text, as few names come back in many rows.
type interned map[string]string

func (in interned) text(raw []byte) string {
	if s, ok := in[string(raw)]; ok {
		return s
	}
	s := text(raw)
	in[string(raw)] = s
	return s
}
