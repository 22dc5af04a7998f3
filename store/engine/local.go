package engine

import (
	"context"
	"encoding/binary"
	"strconv"
	"strings"

	"logctl/store"
)

// LocalPrefix is what the ids of local docs begin with.
const LocalPrefix = "_local/"

// GetLocal reads a local doc; id includes the prefix. KindNotFound "missing" if there is none.
func (d *DB) GetLocal(id string) (store.Doc, error) {
	if err := d.begin(); err != nil {
		return store.Doc{}, err
	}
	defer d.end()
	v, err := d.e.get(d.keys.local(id))
	if err != nil {
		return store.Doc{}, err
	}
	if v == nil {
		return store.Doc{}, errMissing()
	}
	return parseLocal(id, v)
}

// PutLocal writes a local doc, or removes it if doc.Deleted, without a look at what is there: the new revision is 0-1, or
// 0-(n+1) where doc.Rev is 0-n, or 0-0 for a removed one. It is on disk when PutLocal returns.
func (d *DB) PutLocal(ctx context.Context, doc store.Doc) (store.Rev, error) {
	if len(doc.ID) <= len(LocalPrefix) || !strings.HasPrefix(doc.ID, LocalPrefix) {
		return store.Rev{}, store.NewError(store.KindBadRequest, "Invalid _local document id.")
	}
	key := d.keys.local(doc.ID)
	if doc.Deleted {
		return store.Rev{Hash: "0"}, d.set(ctx, key, nil, nil)
	}
	n := uint64(1)
	if !doc.Rev.IsZero() {
		old, err := strconv.ParseUint(doc.Rev.Hash, 10, 63)
		if err != nil || doc.Rev.Gen != 0 {
			return store.Rev{}, store.NewError(store.KindBadRequest, "Invalid rev format")
		}
		n = old + 1
	}
	value := binary.AppendUvarint([]byte{recordV1}, n)
	rev := store.Rev{Hash: strconv.FormatUint(n, 10)}
	return rev, d.set(ctx, key, append(value, doc.Body...), nil)
}

// LocalDocs calls fn for each local doc in bytewise order of ids, the last first if descending, until it returns false.
func (d *DB) LocalDocs(ctx context.Context, descending bool, fn func(store.Doc) bool) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	lo, hi := d.keys.space(subLocal)
	err := scan(d.e.pdb, lo, hi, descending, func(k, v []byte) error {
		if err := d.alive(ctx); err != nil {
			return err
		}
		doc, err := parseLocal(string(k[prefixLen:]), append([]byte(nil), v...))
		if err == nil && !fn(doc) {
			return errStop
		}
		return err
	})
	return ignoreStop(err)
}

// parseLocal reads the value of a local doc: version byte, number of its revision, body.
func parseLocal(id string, v []byte) (store.Doc, error) {
	d := decoder{src: v}
	d.version()
	rev := store.Rev{Hash: strconv.FormatUint(d.uvarint(), 10)}
	return store.Doc{ID: id, Rev: rev, Body: d.src}, d.err("local doc")
}
