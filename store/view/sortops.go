package view

import (
	"cmp"
	"slices"

	"logctl/store/view/btree"
)

// sortOps puts what is done to a tree in the order of its rows. ops come in the order of the ids of their docs. Of a removal and a new
// row in the same place the row remains.
func sortOps(ops []btree.Op) []btree.Op {
	if len(ops) == 0 {
		return nil
	}
	numbers := make(map[string]int, len(ops)/4+1) // of the different sort keys
	number := make([]int, len(ops))
	var keys []string
	var counts []int
	for i := range ops {
		n, there := numbers[string(ops[i].Sort)]
		if !there {
			n = len(keys)
			key := string(ops[i].Sort)
			numbers[key] = n
			keys, counts = append(keys, key), append(counts, 0)
		}
		number[i] = n
		counts[n]++
	}
	order := make([]int, len(keys))
	for n := range order {
		order[n] = n
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	at := make([]int, len(keys))
	place := 0
	for _, n := range order {
		at[n] = place
		place += counts[n]
	}
	sorted := make([]btree.Op, len(ops))
	for i := range ops {
		n := number[i]
		sorted[at[n]] = ops[i]
		at[n]++
	}
	return settle(sorted)
}

// settle sorts the ops on rows of the same sort key and doc, which stand together.
func settle(ops []btree.Op) []btree.Op {
	kept := ops[:0]
	for i := 0; i < len(ops); {
		n := i + 1
		for n < len(ops) && ops[n].Doc.ID == ops[i].Doc.ID && string(ops[n].Sort) == string(ops[i].Sort) {
			n++
		}
		if n-i > 1 {
			slices.SortStableFunc(ops[i:n], func(a, b btree.Op) int { return cmp.Compare(a.Repeat, b.Repeat) })
		}
		for ; i < n; i++ {
			// Removals come first.
			if last := len(kept) - 1; last >= 0 && sameRow(&kept[last], &ops[i]) {
				kept[last] = ops[i]
				continue
			}
			kept = append(kept, ops[i])
		}
	}
	return kept
}

func sameRow(a, b *btree.Op) bool {
	return a.Repeat == b.Repeat && a.Doc.ID == b.Doc.ID && string(a.Sort) == string(b.Sort)
}
