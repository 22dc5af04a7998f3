package btree

import (
	"bytes"
	"encoding/binary"
)

// part is a piece of a range: all rows below a node, whose reduction is stored, or some rows of a leaf.
type part struct {
	kid
	from, to int // of a leaf's rows; to 0: all below the node
}

// Reduced is what Reduce gives.
type Reduced struct {
	Value []byte // the reduction
	Input int    // where the tree remembers: how many bytes of reductions or rows went into it last
	Again []byte // there: what the Reducer makes of Value alone, as CouchDB gives what its shards have to the function once more
}

// Reduce gives the reduction of the rows at positions from from to to, at least one.
func (t *Tree) Reduce(from, to uint64) (Reduced, error) {
	var parts []part
	if err := t.parts(t.Root.ID, t.Root.Height, from, to, &parts); err != nil {
		return Reduced{}, err
	}
	if len(parts) == 0 {
		return Reduced{}, corrupt("positions without rows")
	}
	if !t.Remember {
		r, err := t.combine(parts)
		return Reduced{Value: r.red}, err
	}
	// Nodes never change, so what the parts are made of tells their reduction.
	name := make([]byte, 0, 64)
	for _, p := range parts {
		name = binary.AppendUvarint(name, p.id)
		name = binary.AppendUvarint(name, uint64(p.from))
		name = binary.AppendUvarint(name, uint64(p.to))
	}
	k := cacheKey{space: t.Space, parts: string(name)}
	if r, ok := t.Cache.get(k).(*Reduced); ok {
		return *r, nil
	}
	r, err := t.combine(parts)
	if err != nil {
		return Reduced{}, err
	}
	all := &Reduced{Value: r.red, Input: r.input, Again: r.red}
	if !r.settled {
		if all.Again, err = t.again(r.red); err != nil {
			return Reduced{}, err
		}
	}
	t.Cache.put(k, all)
	return *all, nil
}

func (r *Reduced) memory() int {
	size := len(r.Value) + overhead
	if !bytes.Equal(r.Value, r.Again) {
		size += len(r.Again)
	}
	return size
}

// again is what the Reducer makes of a reduction alone: the same bytes, if they are equal.
func (t *Tree) again(red []byte) ([]byte, error) {
	again, err := t.Reducer.Rereduce(nil, [][]byte{red})
	if bytes.Equal(again, red) {
		again = red
	}
	return again, err
}

// settleSize is up to how many bytes of a reduction it is found out when it is stored whether it is settled. Those that are longer are few,
// and change with each update.
const settleSize = 64 << 10

// settle finds out whether a reduction stays what it is when it is reduced again.
func (t *Tree) settle(r *reduction) error {
	if !t.Remember || len(r.red) > settleSize {
		return nil
	}
	again, err := t.again(r.red)
	r.settled = bytes.Equal(again, r.red)
	return err
}

func (r *reduction) memory() int { return len(r.red) + overhead }

// combine reduces the rows among the parts and then all parts.
func (t *Tree) combine(parts []part) (reduction, error) {
	reds := make([]reduction, len(parts))
	for i, p := range parts {
		var err error
		if p.to == 0 {
			reds[i], err = t.reduction(&p.kid)
		} else {
			reds[i], err = t.reduceLeaf(p)
		}
		if err != nil {
			return reduction{}, err
		}
	}
	return t.rereduce(reds)
}

// rereduce is the reduction of what reductions stand for, in order.
func (t *Tree) rereduce(reds []reduction) (r reduction, err error) {
	if len(reds) == 1 {
		return reds[0], nil
	}
	list := make([][]byte, len(reds))
	for i := range reds {
		list[i] = reds[i].red
		r.input += len(list[i])
	}
	r.red, err = t.Reducer.Rereduce(nil, list)
	return r, err
}

func (t *Tree) reduceLeaf(p part) (reduction, error) {
	l, err := t.leaf(p.id)
	if err == nil && p.to > l.n {
		err = errRows
	}
	if err != nil {
		return reduction{}, err
	}
	return t.reduceRows(l, p.from, p.to)
}

func (t *Tree) reduceRows(l *leaf, from, to int) (r reduction, err error) {
	rows := t.rows(l, from, to)
	if t.Remember {
		var value []byte
		err = rows.Each(func(e Entry) error {
			id := len(e.Doc.ID)
			if e.Doc.N > 0 {
				id = contentID
			}
			value = e.AppendValue(value[:0])
			r.input += len(e.Sort) + id + len(e.JSON) + len(value)
			return nil
		})
	}
	if err == nil {
		r.red, err = t.Reducer.Reduce(nil, rows)
	}
	return r, err
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
