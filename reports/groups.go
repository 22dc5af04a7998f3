package reports

import (
	"cmp"
	"slices"
	"strings"

	"logctl/internal/when"
)

// Group is attackers with something in common, its key: the cells that Grouping.Key gives for their addresses.
type Group struct {
	Key                 []any
	Addresses, Count    int64 // how many they are, and their attacks
	First, Last         when.Wall
	Processes, Machines []string // sorted
}

// Grouping says what attackers have in common.
type Grouping struct {
	Columns []Column // of the key
	Key     func(ip string) []any
}

// Groups puts attackers into groups with at least min attacks each, the highest count first, equal ones by key; at most limit of
// them, 0 being all. found is how many there are whatever the limit.
func Groups(attackers []Attacker, g Grouping, limit int, min int64) (top []Group, found int) {
	type named struct {
		Group
		name string
	}
	byName := map[string]*named{}
	for i := range attackers {
		a := &attackers[i]
		key := g.Key(a.IP)
		name := keyText(key)
		n := byName[name]
		if n == nil {
			n = &named{Group: Group{Key: key, First: a.First, Last: a.Last}, name: name}
			byName[name] = n
		}
		n.add(a)
	}
	all := make([]*named, 0, len(byName))
	for _, n := range byName {
		if n.Count >= min {
			all = append(all, n)
		}
	}
	slices.SortFunc(all, func(a, b *named) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.name, b.name))
	})
	found = len(all)
	if limit > 0 && found > limit {
		all = all[:limit]
	}
	for _, n := range all {
		top = append(top, n.Group)
	}
	return top, found
}

func (g *Group) add(a *Attacker) {
	g.Addresses++
	g.Count += a.Count
	g.First, g.Last = min(g.First, a.First), max(g.Last, a.Last)
	for _, p := range a.Processes {
		g.Processes = insert(g.Processes, p)
	}
	for _, m := range a.Machines {
		g.Machines = insert(g.Machines, m)
	}
}

func keyText(key []any) string {
	var b strings.Builder
	for _, cell := range key {
		b.WriteString(cellText(cell, ","))
		b.WriteByte(0)
	}
	return b.String()
}

// GroupsResult is the table of groups.
func GroupsResult(groups []Group, g Grouping) Result {
	columns := append(slices.Clone(g.Columns), Column{Name: "addresses", Number: true}, Column{Name: "count", Number: true, Bar: true},
		Column{Name: "first", Minor: true}, Column{Name: "last"}, Column{Name: "processes"}, Column{Name: "machines", Minor: true})
	return Result{
		Columns: columns,
		Rows: func(yield func([]any, error) bool) {
			for _, g := range groups {
				row := append(slices.Clone(g.Key), g.Addresses, g.Count, g.First.String(), g.Last.String(), g.Processes, g.Machines)
				if !yield(row, nil) {
					return
				}
			}
		},
	}
}
