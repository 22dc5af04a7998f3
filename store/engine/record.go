package engine

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"logctl/store"
)

// The first byte of every record: the record's version in the two upper bits, flags in the others.
const (
	recordV1     byte = 0x40
	recordBundle byte = 0x80 // of bundles
	recordMask   byte = 0xC0

	flagDeleted byte = 0x01 // the winner is a tombstone
	flagTree    byte = 0x02 // by id: a revision tree follows; by sequence: it has several leaves
	flagRawHash byte = 0x04 // the hash is 16 bytes, shown as 32 hex digits
	flagBody    byte = 0x08 // a node of a tree: its body is kept
	flagCounts  byte = 0x10 // by sequence: the last record of its batch, with the database's counters

	flagSpan      byte = 0x01 // of a bundle: its docs are found by its span
	flagUnordered byte = 0x02 // of a bundle: its docs are not in the order of their ids

	flagPartitioned byte = 0x01 // of a database
	flagAtts        byte = 0x10 // a node of a tree: its body is kept, with attachments
)

const rawHashLen = 16

// idRecord is the value of a by-id key. A doc with a single revision has no tree: the by-sequence record tells it.
type idRecord struct {
	seq     uint64
	deleted bool
	tree    tree
}

func (r *idRecord) append(dst []byte) []byte {
	flags := recordV1
	if r.deleted {
		flags |= flagDeleted
	}
	if r.tree != nil {
		flags |= flagTree
	}
	dst = binary.AppendUvarint(append(dst, flags), r.seq)
	if r.tree != nil {
		dst = r.tree.append(dst)
	}
	return dst
}

func parseIDRecord(src []byte) (idRecord, error) {
	d := decoder{src: src}
	flags := d.version()
	r := idRecord{deleted: flags&flagDeleted != 0, seq: d.uvarint()}
	if flags&flagTree != 0 {
		r.tree = d.tree()
	}
	return r, d.err("by-id record")
}

// parseIDHead reads an idRecord without its tree.
func parseIDHead(src []byte) (seq uint64, deleted, hasTree bool, err error) {
	d := decoder{src: src}
	flags := d.version()
	seq = d.uvarint()
	return seq, flags&flagDeleted != 0, flags&flagTree != 0, d.err("by-id record")
}

// seqRecord is the value of a by-sequence key. Bytes are shared with what it was parsed from.
type seqRecord struct {
	id      []byte
	rev     rawRev
	deleted bool
	leaves  bool // there are other leaves beside the winner
	body    []byte
	counts  *counters // of the database after the record's batch, if it is the last record of one
}

// only is the tree's node of a doc that has this revision and no other.
func (r *seqRecord) only(seq uint64) node {
	return node{rev: r.rev.rev(), parent: noParent, deleted: r.deleted, kept: true, seq: seq, atts: hasAttachments(r.body)}
}

// appendSeqHead appends a by-sequence record but for the body, which follows.
func appendSeqHead(dst []byte, p *pending, counts *counters) []byte {
	flags := recordV1 | p.rev.flag()
	if counts != nil {
		flags |= flagCounts
	}
	if p.deleted {
		flags |= flagDeleted
	}
	if p.leaves {
		flags |= flagTree
	}
	dst = binary.AppendUvarint(append(dst, flags), uint64(len(p.id)))
	dst = append(dst, p.id...)
	dst = p.rev.append(dst)
	if counts != nil {
		dst = counts.append(dst)
	}
	return dst
}

func parseSeqRecord(src []byte) (seqRecord, error) {
	d := decoder{src: src}
	flags := d.version()
	r := seqRecord{deleted: flags&flagDeleted != 0, leaves: flags&flagTree != 0, id: d.bytes(d.uvarint())}
	r.rev = d.rev(flags)
	if flags&flagCounts != 0 {
		r.counts = new(counters)
		*r.counts = d.counters()
	}
	r.body = d.src
	return r, d.err("by-sequence record")
}

// rawRev is a revision as it is stored: the hash as 16 bytes if it is 32 lower case hex digits, as it is otherwise.
type rawRev struct {
	gen  int
	raw  bool
	hash []byte
}

func makeRawRev(r store.Rev) rawRev {
	if len(r.Hash) == 2*rawHashLen && strings.ToLower(r.Hash) == r.Hash {
		if h, err := hex.DecodeString(r.Hash); err == nil {
			return rawRev{gen: r.Gen, raw: true, hash: h}
		}
	}
	return rawRev{gen: r.Gen, hash: []byte(r.Hash)}
}

func (r rawRev) flag() byte {
	if r.raw {
		return flagRawHash
	}
	return 0
}

// append leaves out the flag, which is the record's.
func (r rawRev) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.gen))
	if !r.raw {
		dst = binary.AppendUvarint(dst, uint64(len(r.hash)))
	}
	return append(dst, r.hash...)
}

func (r rawRev) appendHash(dst []byte) []byte {
	if r.raw {
		return hex.AppendEncode(dst, r.hash)
	}
	return append(dst, r.hash...)
}

func (r rawRev) rev() store.Rev {
	return store.Rev{Gen: r.gen, Hash: string(r.appendHash(nil))}
}

// dbRecord is the value of a name key.
type dbRecord struct {
	number      uint32
	created     int64 // Unix milliseconds
	instance    [16]byte
	partitioned bool
}

func (r *dbRecord) append(dst []byte) []byte {
	flags := recordV1
	if r.partitioned {
		flags |= flagPartitioned
	}
	dst = append(dst, flags)
	dst = binary.BigEndian.AppendUint32(dst, r.number)
	dst = binary.AppendVarint(dst, r.created)
	return append(dst, r.instance[:]...)
}

func parseDBRecord(src []byte) (dbRecord, error) {
	d := decoder{src: src}
	r := dbRecord{partitioned: d.version()&flagPartitioned != 0}
	if b := d.bytes(4); b != nil {
		r.number = binary.BigEndian.Uint32(b)
	}
	r.created = d.varint()
	copy(r.instance[:], d.bytes(uint64(len(r.instance))))
	return r, d.err("database record")
}

// counters are written with every batch of docs, so that opening a database costs the same whatever its size: inside the
// batch's last by-sequence record, because a key that every batch overwrites would be in the way of all compactions. The
// greatest sequence has them, always: its record goes only when an edit gives its doc a greater one, or by a purge, which
// writes them under a key of their own.
type counters struct {
	seq      uint64 // the last one given
	docs     uint64 // docs whose winner is live
	deleted  uint64 // docs whose winner is a tombstone
	external uint64 // bytes of the winners' bodies and attachments
	purges   uint64
}

func (c *counters) append(dst []byte) []byte {
	for _, n := range [...]uint64{c.seq, c.docs, c.deleted, c.external, c.purges} {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}

func (d *decoder) counters() counters {
	return counters{seq: d.uvarint(), docs: d.uvarint(), deleted: d.uvarint(), external: d.uvarint(), purges: d.uvarint()}
}

// decoder reads a record; after a first mistake it gives zeros and err tells.
type decoder struct {
	src   []byte
	wrong string
}

func (d *decoder) version() byte {
	b := d.byte()
	if b&recordMask != recordV1 && d.wrong == "" {
		d.wrong = fmt.Sprintf("version byte %#02x", b)
	}
	return b &^ recordMask
}

func (d *decoder) byte() byte {
	if len(d.src) == 0 {
		d.short()
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 {
		d.short()
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.src)
	if n <= 0 {
		d.short()
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.src)) {
		d.short()
		return nil
	}
	b := d.src[:n:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) rev(flags byte) rawRev {
	r := rawRev{gen: int(d.uvarint()), raw: flags&flagRawHash != 0}
	if r.raw {
		r.hash = d.bytes(rawHashLen)
	} else {
		r.hash = d.bytes(d.uvarint())
	}
	return r
}

func (d *decoder) short() {
	if d.wrong == "" {
		d.wrong = "cut short"
	}
	d.src = nil
}

func (d *decoder) err(what string) error {
	if d.wrong == "" {
		return nil
	}
	return &store.Error{Kind: store.KindCorrupt, Reason: "The store is damaged.", Err: fmt.Errorf("%s: %s", what, d.wrong)}
}
