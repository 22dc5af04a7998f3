package btree

import (
	"encoding/binary"
	"hash/crc32"
	"math"

	"logctl/store"
)

// What stands on disk; see FORMAT.md.
const (
	formatVersion = 8
	kindLeaf      = 1
	kindInner     = 2
	kindReduction = 3
	headerSize    = 2 // version, kind
	checksumSize  = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// nodeKey is where the node with that number is kept.
func nodeKey(prefix []byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64(append(make([]byte, 0, len(prefix)+8), prefix...), id)
}

// reductionKey is where the reduction of that node is kept, if it stands apart: right behind the node.
func reductionKey(prefix []byte, id uint64) []byte {
	return append(nodeKey(prefix, id), kindReduction)
}

// appendKey appends a key less what it shares with the one before it.
func appendKey(dst, last, key []byte) []byte {
	n := store.Shared(last, key)
	dst = binary.AppendUvarint(dst, uint64(n))
	return appendBytes(dst, key[n:])
}

func appendBytes(dst, b []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// begin writes a node's head over dst: version, kind, bytes of its reduction if that stands apart, number of items.
func begin(dst []byte, kind byte, far, items int) []byte {
	dst = append(dst[:0], formatVersion, kind)
	dst = binary.AppendUvarint(dst, uint64(far))
	return binary.AppendUvarint(dst, uint64(items))
}

func finish(dst []byte) []byte {
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst, castagnoli))
}

// appendReduction writes a reduction that stands apart over dst.
func appendReduction(dst []byte, r reduction) []byte {
	settled := byte(0)
	if r.settled {
		settled = 1
	}
	dst = binary.AppendUvarint(append(dst[:0], formatVersion, kindReduction, settled), uint64(r.input))
	return finish(append(dst, r.red...))
}

// appendInner writes an inner node over dst.
func appendInner(dst []byte, far int, kids []kid) []byte {
	dst = begin(dst, kindInner, far, len(kids))
	var last []byte
	for i := range kids {
		k := &kids[i]
		dst = appendKey(dst, last, k.last)
		dst = binary.AppendUvarint(dst, uint64(k.alike))
		dst = binary.AppendUvarint(dst, k.id)
		dst = binary.AppendUvarint(dst, k.rows)
		dst = binary.AppendUvarint(dst, uint64(k.far))
		if k.far == 0 {
			dst = appendBytes(dst, k.red)
		}
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

// length reads that of something elsewhere.
func (d *decoder) length() int {
	n := d.uvarint()
	if n > math.MaxInt32 {
		d.bad, d.data = true, nil
		return 0
	}
	return int(n)
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

// key reads a key that shares its beginning with last.
func (d *decoder) key(last []byte) []byte {
	n := d.uvarint()
	suffix := d.bytes()
	if n > uint64(len(last)) {
		d.bad, d.data = true, nil
		return nil
	}
	return append(append(make([]byte, 0, int(n)+len(suffix)), last[:n]...), suffix...)
}

// kidSize is what a kid takes at least.
const kidSize = 6

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	if n <= 0 {
		d.bad, d.data = true, nil
		return 0
	}
	d.data = d.data[n:]
	return v
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// take reads n bytes, which stay part of the node; nil if there are fewer.
func (d *decoder) take(n int) []byte {
	if n > len(d.data) {
		d.bad, d.data = true, nil
		return nil
	}
	b := d.data[:n:n]
	d.data = d.data[n:]
	return b
}

// unwrap takes the version, the kind and the checksum off.
func unwrap(data []byte) (kind byte, body []byte, err error) {
	if len(data) < headerSize+checksumSize {
		return 0, nil, corrupt("node too short")
	}
	if data[0] != formatVersion {
		return 0, nil, corrupt("node of another format version")
	}
	body = data[:len(data)-checksumSize]
	if binary.LittleEndian.Uint32(data[len(body):]) != crc32.Checksum(body, castagnoli) {
		return 0, nil, corrupt("node with a wrong checksum")
	}
	return data[1], body[headerSize:len(body):len(body)], nil
}

// decode reads a node as a writer has put it. It keeps data.
func decode(data []byte) (*node, error) {
	kind, body, err := unwrap(data)
	if err != nil {
		return nil, err
	}
	d := decoder{data: body}
	far := d.length()
	items := d.uvarint()
	if items == 0 || items > 8*uint64(len(body)) {
		return nil, corrupt("node with an impossible number of items")
	}
	n := &node{far: far, size: len(data)}
	switch kind {
	case kindLeaf:
		n.leaf = d.leaf(int(items))
	case kindInner:
		n.kids = make([]kid, 0, min(items, uint64(len(body)/kidSize)))
		var last []byte
		for range items {
			if d.bad {
				break
			}
			last = d.key(last)
			k := kid{last: last, alike: d.length(), id: d.uvarint(), rows: d.uvarint(), far: d.length()}
			if k.far == 0 {
				k.red = d.bytes()
			}
			d.bad = d.bad || k.alike > len(k.last)
			n.kids = append(n.kids, k)
		}
	default:
		return nil, corrupt("node of an unknown kind")
	}
	if d.bad || len(d.data) > 0 {
		return nil, corrupt("node that does not add up")
	}
	return n, nil
}
