package btree

import "math"

// packer puts items, in order, into nodes of good size: rows into leaves, kids into inner nodes.
type packer[T any] struct {
	size  func(T) int
	least int // items in a node, whatever their size
	// alike tells how much of their keys two neighbours share; nil where nodes may begin and end anywhere.
	alike func(a, b T) int
	// groups tells of how many groups, one in the other, both of two neighbours are; nil where no group need be a node.
	groups func(a, b T) int
	load   func(id uint64) ([]T, error) // the items of a node, which is deleted
	write  func(items []T, root bool) (kid, error)
	top    bool // the nodes stand above all others: one that is alone is the root

	out     []slot[T] // all but the last are written
	pending []T
	bytes   int // of pending
}

// slot is a node: one that stays or is written, or one to be written.
type slot[T any] struct {
	kid   kid
	items []T // nil: stays, or is written
}

// add takes more items and writes nodes that they fill.
func (p *packer[T]) add(items []T) error {
	for _, it := range items {
		p.bytes += p.size(it)
	}
	if p.pending == nil {
		p.pending = items
	} else {
		p.pending = append(p.pending, items...)
	}
	return p.flush(false)
}

// ripe tells that what is pending is more than one node, however it goes on.
func (p *packer[T]) ripe() bool {
	return p.bytes >= targetSize+2*minSize && len(p.pending) >= 2*p.least
}

// keep takes an old node as it is, unless what came before it would make too small a node without its items.
func (p *packer[T]) keep(k kid) error {
	if p.bytes > 0 && p.bytes < minSize {
		items, err := p.load(k.id)
		if err != nil {
			return err
		}
		return p.add(items)
	}
	if err := p.flush(true); err != nil {
		return err
	}
	return p.push(slot[T]{kid: k})
}

// flush turns what is pending into nodes while it is ripe, or all of it: into one if it fits, else into full ones, the last two sharing
// what is left.
func (p *packer[T]) flush(all bool) error {
	for len(p.pending) > 0 && (all || p.ripe()) {
		want := p.bytes
		switch {
		case p.bytes <= maxSize:
		case p.bytes < targetSize+2*minSize:
			want = p.bytes / 2
		default:
			want = targetSize
		}
		n, size := 0, 0
		for n < len(p.pending) && (size < want || n < p.least) {
			size += p.size(p.pending[n])
			n++
		}
		n, size = p.seam(n, size)
		if err := p.push(slot[T]{items: p.pending[:n:n]}); err != nil {
			return err
		}
		p.pending, p.bytes = p.pending[n:], p.bytes-size
	}
	if len(p.pending) == 0 {
		p.pending, p.bytes = nil, 0
	}
	return nil
}

// seam is where to cut instead of behind n items of that size: where the keys of neighbours differ first, so that rows whose keys begin
// alike are whole nodes if they are many.
func (p *packer[T]) seam(n, size int) (int, int) {
	if p.groups != nil {
		if i, sum := p.wholeGroup(); i > 0 {
			return i, sum
		}
	}
	if p.alike == nil || n == len(p.pending) {
		return n, size
	}
	at, atSize, best, least := n, size, math.MaxInt, (p.least+1)/2
	for i, sum := 1, 0; i+least <= len(p.pending); i++ {
		sum += p.size(p.pending[i-1])
		if p.bytes-sum < minSize || sum > maxSize && i > p.least+least {
			break
		}
		if sum < minSize || i < least {
			continue
		}
		alike := p.alike(p.pending[i-1], p.pending[i])
		if alike < best || alike == best && abs(i-n) < abs(at-n) {
			at, atSize, best = i, sum, alike
		}
	}
	return at, atSize
}

// wholeGroup is where the group ends that the first items are of, two at least, and their size; 0 if they are more than a node takes.
func (p *packer[T]) wholeGroup() (n, size int) {
	least := math.MaxInt // groups that the items so far are of
	for i := 1; i < len(p.pending); i++ {
		size += p.size(p.pending[i-1])
		if p.bytes-size < minSize || size > maxSize && i > 2*p.least {
			break
		}
		groups := p.groups(p.pending[i-1], p.pending[i])
		if groups < least && i > 1 && size >= minSize {
			return i, size
		}
		least = min(least, groups)
	}
	return 0, 0
}

func abs(n int) int { return max(n, -n) }

// push adds a node behind the others. The one before it is written now: only the last may have to share its items with what follows.
func (p *packer[T]) push(s slot[T]) error {
	err := p.writeLast(false)
	p.out = append(p.out, s)
	return err
}

func (p *packer[T]) writeLast(root bool) (err error) {
	if len(p.out) == 0 {
		return nil
	}
	if s := &p.out[len(p.out)-1]; s.items != nil {
		s.kid, err = p.write(s.items, root)
		s.items = nil
	}
	return err
}

// finish writes the last new nodes and gives all in order.
func (p *packer[T]) finish() ([]kid, error) {
	if p.bytes > 0 && p.bytes < minSize && len(p.out) > 0 {
		last := p.out[len(p.out)-1]
		items := last.items
		if items == nil {
			var err error
			if items, err = p.load(last.kid.id); err != nil {
				return nil, err
			}
		}
		p.out = p.out[:len(p.out)-1]
		tail := p.pending
		p.pending, p.bytes = nil, 0
		if err := p.add(append(items[:len(items):len(items)], tail...)); err != nil {
			return nil, err
		}
	}
	if err := p.flush(true); err != nil {
		return nil, err
	}
	if err := p.writeLast(p.top && len(p.out) == 1); err != nil {
		return nil, err
	}
	kids := make([]kid, len(p.out))
	for i := range p.out {
		kids[i] = p.out[i].kid
	}
	return kids, nil
}
