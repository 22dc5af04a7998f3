package btree

import (
	"encoding/binary"
	"hash/crc32"
)

// What stands on disk; see FORMAT.md.
const (
	formatVersion = 1
	kindLeaf      = 1
	kindInner     = 2
	headerSize    = 2 // version, kind
	checksumSize  = 4
	restartEvery  = 16 // rows
	restartSize   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// nodeKey is where the node with that number is kept.
func nodeKey(prefix []byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(prefix)+8), prefix...), id)
}

// shared is the length of the common beginning of a and b.
func shared(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// appendKey appends a key less what it shares with the one before it.
func appendKey(dst, last, key []byte) []byte {
	n := shared(last, key)
	dst = binary.AppendUvarint(dst, uint64(n))
	return appendBytes(dst, key[n:])
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// begin writes a node's head: version, kind, number of items.
func begin(kind byte, items int) []byte {
	dst := append(make([]byte, 0, maxSize), formatVersion, kind)
	return binary.AppendUvarint(dst, uint64(items))
}

func finish(dst []byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli))
}

// encodeLeaf writes rows and behind them where each restart stands, a row whose key is written in full, so that a key is
// found without reading all rows.
func encodeLeaf(entries []Entry) []byte {
	dst := begin(kindLeaf, len(entries))
	var restarts []uint32
	var last []byte
	for i := range entries {
		if i%restartEvery == 0 {
			restarts, last = append(restarts, uint32(len(dst))), nil
		}
		dst = appendKey(dst, last, entries[i].Key)
		dst = appendBytes(dst, entries[i].Value)
		last = entries[i].Key
	}
	for _, at := range restarts {
		dst = binary.LittleEndian.AppendUint32(dst, at)
	}
	return finish(dst)
}

func encodeInner(kids []kid) []byte {
	dst := begin(kindInner, len(kids))
	var last []byte
	for i := range kids {
		k := &kids[i]
		dst = appendKey(dst, last, k.last)
		dst = binary.AppendUvarint(dst, k.id)
		dst = binary.AppendUvarint(dst, k.rows)
		dst = appendBytes(dst, k.red)
		last = k.last
	}
	return finish(dst)
}

// decoder reads a node. The first thing that does not fit sets bad and ends all reading.
type decoder struct {
	data []byte
	bad  bool
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

// bytes reads a length and that many bytes, which stay part of the node.
func (d *decoder) bytes() []byte {
	n := d.uvarint()
	if n > uint64(len(d.data)) {
		d.bad, d.data = true, nil
		return nil
	}
	b := d.data[:n:n]
	d.data = d.data[n:]
	return b
}

// key reads a key that shares its beginning with last, into dst, which may be last's own memory, and tells how much it shares.
func (d *decoder) key(dst, last []byte) (key []byte, shared int) {
	n := d.uvarint()
	suffix := d.bytes()
	if n > uint64(len(last)) {
		d.bad, d.data = true, nil
		return nil, 0
	}
	return append(append(dst[:0], last[:n]...), suffix...), int(n)
}

// decode reads a node as written by encodeLeaf or encodeInner. It keeps data; the rows of a leaf are read when they are
// asked for.
func decode(data []byte) (*node, error) {
	if len(data) < headerSize+checksumSize {
		return nil, corrupt("node too short")
	}
	if data[0] != formatVersion {
		return nil, corrupt("node of another format version")
	}
	body := data[:len(data)-checksumSize]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return nil, corrupt("node with a wrong checksum")
	}
	d := decoder{data: body[headerSize:]}
	items := d.uvarint()
	if items == 0 || items > uint64(len(body)) {
		return nil, corrupt("node with an impossible number of items")
	}
	n := &node{size: len(data)}
	switch data[1] {
	case kindLeaf:
		table := (int(items) + restartEvery - 1) / restartEvery * restartSize
		if table > len(d.data) {
			return nil, corrupt("leaf without its restarts")
		}
		end := len(body) - table
		n.leaf = &leaf{rows: body[:end], restarts: body[end:], n: int(items)}
		return n, nil
	case kindInner:
		n.kids = make([]kid, items)
		var last []byte
		for i := range n.kids {
			last, _ = d.key(nil, last)
			n.kids[i] = kid{last: last, id: d.uvarint(), rows: d.uvarint(), red: d.bytes()}
		}
	default:
		return nil, corrupt("node of an unknown kind")
	}
	if d.bad || len(d.data) > 0 {
		return nil, corrupt("node that does not add up")
	}
	return n, nil
}
