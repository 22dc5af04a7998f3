package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"
	"time"
)

// On disk. All numbers are little-endian, all checksums CRC-32C.
//
//	NUMBER-SALT.spool    a segment; both are 16 hexadecimal digits, the number grows, the salt is random
//	  segment header     "lcspool1" · u32 version · u32 checksum of both
//	  records            each:
//	    u32 recordMagic · u32 bytes of data · u32 docs · u32 checksum of the data
//	    i64 time, Unix milliseconds · u64 number of the segment that was dropped when this was appended, 0: none
//	    u32 checksum of salt, offset of the record in the file, and all of the header before
//	    the data
//	done                 where the first record stands that is not done with:
//	                     u64 number · u64 salt · u64 offset · u32 checksum. Without it records come twice, no more.
//	lock                 flock(2)'s
//
// The salt and the offset in a header's checksum make sure that no data, which strangers may have written, is taken for a record
// when a damaged header is searched for the next whole one.
const (
	version      = 1
	segmentMagic = "lcspool1"
	segmentHead  = 16
	recordMagic  = 0x3172636c // "lcr1"
	recordHead   = 36
	doneSize     = 28
	suffix       = ".spool"
	doneName     = "done"
	lockName     = "lock"

	// maxData bounds what a damaged length can make us allocate.
	maxData = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

var order = binary.LittleEndian

func segmentName(number, salt uint64) string {
	return fmt.Sprintf("%016x-%016x%s", number, salt, suffix)
}

// parseSegmentName is segmentName's reverse.
func parseSegmentName(name string) (number, salt uint64, ok bool) {
	stem, isSegment := strings.CutSuffix(name, suffix)
	a, b, dash := strings.Cut(stem, "-")
	if !isSegment || !dash || len(a) != 16 || len(b) != 16 {
		return 0, 0, false
	}
	number, err1 := strconv.ParseUint(a, 16, 64)
	salt, err2 := strconv.ParseUint(b, 16, 64)
	return number, salt, err1 == nil && err2 == nil
}

func appendSegmentHead(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, segmentMagic...)
	dst = order.AppendUint32(dst, version)
	return order.AppendUint32(dst, checksum(dst[start:]))
}

// segmentVersion reads a segment's header; ok is false if it is damaged.
func segmentVersion(b []byte) (v uint32, ok bool) {
	if len(b) < segmentHead || string(b[:8]) != segmentMagic || checksum(b[:12]) != order.Uint32(b[12:]) {
		return 0, false
	}
	return order.Uint32(b[8:]), true
}

// header is what stands before a record's data.
type header struct {
	length, docs, sum uint32
	time              int64
	dropped           uint64
}

// size is how many bytes the record takes.
func (h *header) size() int64 { return recordHead + int64(h.length) }

func (h *header) at() time.Time { return time.UnixMilli(h.time) }

func headerSum(b []byte, salt uint64, offset int64) uint32 {
	var place [16]byte
	order.PutUint64(place[:], salt)
	order.PutUint64(place[8:], uint64(offset))
	return crc32.Update(checksum(place[:]), castagnoli, b[:recordHead-4])
}

func (h *header) append(dst []byte, salt uint64, offset int64) []byte {
	start := len(dst)
	dst = order.AppendUint32(dst, recordMagic)
	dst = order.AppendUint32(dst, h.length)
	dst = order.AppendUint32(dst, h.docs)
	dst = order.AppendUint32(dst, h.sum)
	dst = order.AppendUint64(dst, uint64(h.time))
	dst = order.AppendUint64(dst, h.dropped)
	return order.AppendUint32(dst, headerSum(dst[start:], salt, offset))
}

// parseHeader reads the header of a record at offset; ok is false if there is none.
func parseHeader(b []byte, salt uint64, offset int64) (h header, ok bool) {
	if len(b) < recordHead || order.Uint32(b) != recordMagic || headerSum(b, salt, offset) != order.Uint32(b[recordHead-4:]) {
		return h, false
	}
	h = header{length: order.Uint32(b[4:]), docs: order.Uint32(b[8:]), sum: order.Uint32(b[12:]),
		time: int64(order.Uint64(b[16:])), dropped: order.Uint64(b[24:])}
	return h, h.length <= maxData
}

// place is a record's place in a segment.
type place struct {
	number, salt uint64
	offset       int64
}

func (p place) append(dst []byte) []byte {
	start := len(dst)
	dst = order.AppendUint64(dst, p.number)
	dst = order.AppendUint64(dst, p.salt)
	dst = order.AppendUint64(dst, uint64(p.offset))
	return order.AppendUint32(dst, checksum(dst[start:]))
}

func parsePlace(b []byte) (p place, ok bool) {
	if len(b) != doneSize || checksum(b[:doneSize-4]) != order.Uint32(b[doneSize-4:]) {
		return p, false
	}
	p = place{order.Uint64(b), order.Uint64(b[8:]), int64(order.Uint64(b[16:]))}
	return p, p.offset >= 0
}
