package engine

import (
	"encoding/binary"

	"logctl/store"
)

// The keys of the one Pebble store, as FORMAT.md draws them. Numbers are big endian, so that keys sort by them.
//
//	01 'i' name                       the engine's own settings: uuid, next database number
//	01 'm' name                       settings of the users of the engine
//	02 database name                  database record: number, instance, time of creation
//	03 number(4) blob(8)              an upload that no doc refers to yet
//	10 number(4) 01                   counters as of the last purge
//	10 number(4) 02 'i'|'m' name      settings of the database: its own, its users'
//	10 number(4) 03 doc id            local docs
//	10 number(4) 04 signature         number(4) of the index with that signature
//	10 number(4) 05 blob(8)           how many kept revisions refer to an attachment's bytes
//	10 number(4) 06 purge(8)          log of purges
//	10 number(4) 10 doc id            by id: where the doc stands in the changes feed, its revision tree
//	10 number(4) 18 lane(1) doc id    the span of a bundle, under its greatest id
//	10 number(4) 20 seq(8)            by sequence: the winner, its body inline; or a bundle of docs, under the last one's
//	10 number(4) 30 seq(8)            bodies of the other revisions, by the sequence that wrote them
//	10 number(4) 38 blob(8) n(4)      chunks of attachments
//	10 number(4) 40 index(4) key      rows of a view index
const (
	spaceServer  byte = 0x01
	spaceNames   byte = 0x02
	spaceUploads byte = 0x03
	spaceDB      byte = 0x10

	subCounters byte = 0x01
	subSettings byte = 0x02
	subLocal    byte = 0x03
	subIndexes  byte = 0x04
	subBlobs    byte = 0x05
	subPurges   byte = 0x06
	subByID     byte = 0x10
	subSpans    byte = 0x18
	subBySeq    byte = 0x20
	subBodies   byte = 0x30
	subChunks   byte = 0x38
	subRows     byte = 0x40

	ownSetting  byte = 'i'
	userSetting byte = 'm'
)

// prefixLen is the length of a database's prefix with the byte of its sub-space.
const prefixLen = 6

// keys makes the keys of one database.
type keys struct {
	prefix [prefixLen]byte
}

func newKeys(number uint32) keys {
	var k keys
	k.prefix[0] = spaceDB
	binary.BigEndian.PutUint32(k.prefix[1:], number)
	return k
}

// sub appends the prefix of a sub-space.
func (k *keys) sub(dst []byte, sub byte) []byte {
	dst = append(dst, k.prefix[:prefixLen-1]...)
	return append(dst, sub)
}

func (k *keys) named(sub byte, name string) []byte {
	dst := k.sub(make([]byte, 0, prefixLen+len(name)), sub)
	return append(dst, name...)
}

func (k *keys) counters() []byte { return k.sub(make([]byte, 0, prefixLen), subCounters) }

func (k *keys) setting(owner byte, name string) []byte {
	dst := k.sub(make([]byte, 0, prefixLen+1+len(name)), subSettings)
	return append(append(dst, owner), name...)
}

func (k *keys) local(id string) []byte  { return k.named(subLocal, id) }
func (k *keys) index(sig string) []byte { return k.named(subIndexes, sig) }
func (k *keys) byID(id string) []byte   { return k.named(subByID, id) }
func (k *keys) span(lane int, id string) []byte {
	return append(append(k.sub(make([]byte, 0, prefixLen+1+len(id)), subSpans), byte(lane)), id...)
}
func (k *keys) bySeq(seq uint64) []byte   { return k.numbered(subBySeq, seq) }
func (k *keys) revBody(seq uint64) []byte { return k.numbered(subBodies, seq) }
func (k *keys) purge(seq uint64) []byte   { return k.numbered(subPurges, seq) }
func (k *keys) space(sub byte) (lo, hi []byte) {
	lo = k.sub(make([]byte, 0, prefixLen), sub)
	return lo, successor(lo)
}

func (k *keys) numbered(sub byte, seq uint64) []byte {
	dst := k.sub(make([]byte, 0, prefixLen+8), sub)
	return binary.BigEndian.AppendUint64(dst, seq)
}

func (k *keys) rows(number uint32) []byte {
	dst := k.sub(make([]byte, 0, prefixLen+4), subRows)
	return binary.BigEndian.AppendUint32(dst, number)
}

// all is the range of everything that belongs to the database.
func (k *keys) all() (lo, hi []byte) {
	lo = append([]byte(nil), k.prefix[:prefixLen-1]...)
	return lo, successor(lo)
}

func serverKey(owner byte, name string) []byte {
	return append([]byte{spaceServer, owner}, name...)
}

func nameKey(name store.DBName) []byte {
	return append([]byte{spaceNames}, name...)
}

// successor is the least key that is greater than every key with that prefix, nil if there is none.
func successor(prefix []byte) []byte {
	next := append([]byte(nil), prefix...)
	for i := len(next) - 1; i >= 0; i-- {
		next[i]++
		if next[i] != 0 {
			return next[:i+1]
		}
	}
	return nil
}
