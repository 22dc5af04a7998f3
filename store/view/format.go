package view

import (
	"encoding/binary"
	"hash/crc32"

	"logctl/store"
	"logctl/store/view/btree"
)

// What stands on disk; see FORMAT.md. A change of any of it, or of package collate's keys, is a new formatVersion: it is part
// of an index's signature, so that indexes of another version are built anew beside the old ones.
const (
	formatVersion = 9
	keyHeader     = 'h' // the header
	keyNode       = 'n' // then the number of the view (2 bytes), then that of the node (8 bytes): package btree's
	keyDocs       = 'd' // then the number of a node (8 bytes) of the tree of docs
	checksumSize  = 4
	idEnd         = 0xFF // above every byte that can follow a sort key, or a row's doc id, in a row's key
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the state of an index: of which moment it is, and its trees in the order of the views, that of docs behind them.
type header struct {
	seq   uint64
	purge uint64 // the last purge that it knows of
	roots []btree.Root
}

func (h header) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, formatVersion)
	dst = binary.AppendUvarint(dst, h.seq)
	dst = binary.AppendUvarint(dst, h.purge)
	dst = binary.AppendUvarint(dst, uint64(len(h.roots)-1))
	for _, r := range h.roots {
		for _, v := range [...]uint64{r.ID, uint64(r.Height), r.Rows, r.Next, r.Bytes} {
			dst = binary.AppendUvarint(dst, v)
		}
	}
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseHeader reads the header of an index with that many views.
func parseHeader(data []byte, views int) (header, error) {
	bad := store.NewError(store.KindCorrupt, "view index: header does not add up")
	if len(data) < 1+checksumSize {
		return header{}, bad
	}
	body := data[:len(data)-checksumSize]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return header{}, bad
	}
	if body[0] != formatVersion {
		return header{}, store.NewError(store.KindCorrupt, "view index: header of another format version")
	}
	body = body[1:]
	next := func() uint64 {
		v, n := binary.Uvarint(body)
		if n <= 0 {
			body = nil
			return 0
		}
		body = body[n:]
		return v
	}
	h := header{seq: next(), purge: next()}
	if next() != uint64(views) {
		return header{}, bad
	}
	for range views + 1 {
		r := btree.Root{ID: next(), Height: int(next()), Rows: next(), Next: next(), Bytes: next()}
		if (r.ID == 0) != (r.Height == 0) || r.Height < 0 || r.Height > 64 || r.ID > r.Next {
			return header{}, bad
		}
		h.roots = append(h.roots, r)
	}
	if body == nil || len(body) > 0 {
		return header{}, bad
	}
	return h, nil
}

// readHeader reads the header out of a keyspace; an empty one is an index of nothing.
func readHeader(kv store.KVReader, views int) (header, error) {
	data, ok, err := kv.Get([]byte{keyHeader})
	if err != nil {
		return header{}, err
	}
	if !ok {
		return header{roots: make([]btree.Root, views+1)}, nil
	}
	return parseHeader(data, views)
}

func nodePrefix(view int) []byte { return []byte{keyNode, byte(view >> 8), byte(view)} }
