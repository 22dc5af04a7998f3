package view

import (
	"logctl/store"
	"logctl/store/view/btree"
)

// overlay is a keyspace of nodes with changes that are not written to it yet.
type overlay struct {
	store.KVReader
	changes map[string][]byte // nil: deleted
}

// nodeOverhead is about what a node takes in an overlay beside its bytes.
const nodeOverhead = 96

// Get implements store.KVReader. The bytes stay the overlay's, which never changes them, as nobody changes a node's.
func (o *overlay) Get(key []byte) ([]byte, bool, error) {
	if v, ok := o.changes[string(key)]; ok {
		return v, v != nil, nil
	}
	return o.KVReader.Get(key)
}

// add takes changes and tells how many bytes more it has. A node that it got and that goes again leaves nothing behind: its number was
// never used.
func (o *overlay) add(ops []store.KVOp) (bytes int) {
	for _, op := range ops {
		k := string(op.Key)
		old, there := o.changes[k]
		switch {
		case !op.Delete:
			o.changes[k] = op.Value
			bytes += len(op.Value) + nodeOverhead
		case there:
			delete(o.changes, k)
			bytes -= len(old) + nodeOverhead
		default:
			o.changes[k] = nil
			bytes += nodeOverhead
		}
	}
	return bytes
}

// ops are what must be written, beside the nodes that early has written before, as a btree.Tree's Early does.
func (o *overlay) ops(early func([]store.KVOp) error) ([]store.KVOp, error) {
	var ops, made []store.KVOp
	size := 0
	for k, v := range o.changes {
		if v == nil {
			ops = append(ops, store.KVOp{Key: []byte(k), Delete: true})
			continue
		}
		made = append(made, store.KVOp{Key: []byte(k), Value: v})
		if size += len(v); size >= btree.EarlyBytes {
			if err := early(made); err != nil {
				return nil, err
			}
			made, size = nil, 0
		}
	}
	return append(ops, made...), nil
}
