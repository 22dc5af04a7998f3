package btree

// packer puts items, in order, into nodes of good size: rows into leaves, kids into inner nodes.
type packer[T any] struct {
	size  func(T) int
	least int                          // items in a node, whatever their size
	load  func(id uint64) ([]T, error) // the items of a node, which is deleted
	write func(items []T) (kid, error)

	out     []slot[T]
	pending []T
	bytes   int // of pending
}

// slot is a node: an old one that stays, or one to be written.
type slot[T any] struct {
	kid   kid
	items []T // nil: stays
}

// add takes more items.
func (p *packer[T]) add(items []T) {
	for _, it := range items {
		p.bytes += p.size(it)
	}
	if p.pending == nil {
		p.pending = items
		return
	}
	p.pending = append(p.pending, items...)
}

// keep takes an old node as it is, unless what came before it would make too small a node without its items.
func (p *packer[T]) keep(k kid) error {
	if p.bytes > 0 && p.bytes < minSize {
		items, err := p.load(k.id)
		if err != nil {
			return err
		}
		p.add(items)
		return nil
	}
	p.flush()
	p.out = append(p.out, slot[T]{kid: k})
	return nil
}

// flush turns what is pending into nodes: one if it fits, else full ones, the last two sharing what is left.
func (p *packer[T]) flush() {
	for len(p.pending) > 0 {
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
		p.out = append(p.out, slot[T]{items: p.pending[:n:n]})
		p.pending, p.bytes = p.pending[n:], p.bytes-size
	}
	p.pending, p.bytes = nil, 0
}

// finish writes the new nodes and gives all of them in order.
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
		p.add(append(items[:len(items):len(items)], tail...))
	}
	p.flush()
	kids := make([]kid, len(p.out))
	for i, s := range p.out {
		kids[i] = s.kid
		if s.items == nil {
			continue
		}
		var err error
		if kids[i], err = p.write(s.items); err != nil {
			return nil, err
		}
	}
	return kids, nil
}
