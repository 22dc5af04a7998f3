package btree

import "encoding/binary"

// part is a piece of a range: all rows below a node, whose reduction is stored, or some rows of a leaf.
type part struct {
	kid
	from, to int // of a leaf's rows; to 0: all below the node
}

// Reduce gives the reduction of the rows at positions from to to, at least one, and tells how many bytes of reductions and values went
// into it last.
func (t *Tree) Reduce(from, to uint64) (red []byte, input int, err error) {
	var parts []part
	if err := t.parts(t.Root.ID, t.Root.Height, from, to, &parts); err != nil {
		return nil, 0, err
	}
	if len(parts) == 0 {
		return nil, 0, corrupt("positions without rows")
	}
	if !t.Remember {
		return t.combine(parts)
	}
	// Nodes never change, so what the parts are made of tells their reduction.
	name := make([]byte, 0, 64)
	for _, p := range parts {
		name = binary.AppendUvarint(name, p.id)
		name = binary.AppendUvarint(name, uint64(p.from))
		name = binary.AppendUvarint(name, uint64(p.to))
	}
	k := cacheKey{space: t.Space, parts: string(name)}
	if old := t.Cache.get(k); old != nil {
		r := old.(*remembered)
		return r.red, r.input, nil
	}
	r := &remembered{}
	if r.red, r.input, err = t.combine(parts); err != nil {
		return nil, r.input, err
	}
	t.Cache.put(k, r)
	return r.red, r.input, nil
}

// remembered is a reduction in the cache.
type remembered struct {
	red   []byte
	input int
}

func (r *remembered) memory() int { return len(r.red) + overhead }

// combine reduces the rows among the parts and then all parts.
func (t *Tree) combine(parts []part) (red []byte, input int, err error) {
	reds := make([][]byte, len(parts))
	total := 0
	for i, p := range parts {
		if p.to == 0 {
			reds[i], err = t.reduction(&p.kid)
			input = len(reds[i])
		} else {
			reds[i], input, err = t.reduceRows(p)
		}
		if err != nil {
			return nil, input, err
		}
		total += len(reds[i])
	}
	if len(reds) == 1 {
		return reds[0], input, nil
	}
	red, err = t.Reducer.Rereduce(nil, reds)
	return red, total, err
}

func (t *Tree) reduceRows(p part) (red []byte, input int, err error) {
	l, err := t.leaf(p.id)
	if err == nil && p.to > l.n {
		err = errRows
	}
	if err != nil {
		return nil, 0, err
	}
	rows := t.rows(l, p.from, p.to)
	err = rows.Each(func(e Entry) error {
		id := len(e.Doc.ID)
		if id == 0 {
			id = contentID
		}
		input += len(e.Sort) + id + len(e.JSON) + len(e.AppendValue(nil))
		return nil
	})
	if err == nil {
		red, err = t.Reducer.Reduce(nil, rows)
	}
	return red, input, err
}

func (t *Tree) rows(l *leaf, from, to int) Rows { return Rows{l, from, to, t.namer()} }

// parts collects the pieces that make up a range, positions counted from the node's first row.
func (t *Tree) parts(id uint64, level int, from, to uint64, list *[]part) error {
	if level == 1 {
		*list = append(*list, part{kid: kid{id: id}, from: int(from), to: int(to)})
		return nil
	}
	n, err := t.inner(id)
	if err != nil {
		return err
	}
	return n.parts(from, to, false, func(k *kid, from, to uint64) error {
		if from == 0 && to == k.rows {
			*list = append(*list, part{kid: *k})
			return nil
		}
		return t.parts(k.id, level-1, from, to, list)
	})
}
