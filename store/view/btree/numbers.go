package btree

import (
	"encoding/binary"
	"math/bits"
)

// A column of numbers is one byte, which says how they are written, and the bits of all, the lowest of the first byte first:
//
//	0..64      each in as many bits
//	128 | k    Rice's code: the number without its lowest k bits as that many ones and a zero, then these k bits; escapeOnes ones
//	           and no zero stand for a number of 64 bits that follows

const (
	riceFlag   = 0x80
	escapeOnes = 24
)

// bitWriter appends bits.
type bitWriter struct {
	dst []byte
	acc uint64
	n   uint // bits in acc, fewer than 8
}

func (w *bitWriter) put(v uint64, n uint) {
	for n > 32 {
		w.put(v&(1<<32-1), 32)
		v, n = v>>32, n-32
	}
	w.acc |= v << w.n
	for w.n += n; w.n >= 8; w.n -= 8 {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
	}
}

func (w *bitWriter) finish() []byte {
	if w.n > 0 {
		w.dst = append(w.dst, byte(w.acc))
	}
	return w.dst
}

// appendNumbers appends a column, in the shorter of both ways.
func appendNumbers(dst []byte, list []uint64) []byte {
	var all, sum uint64
	for _, v := range list {
		all |= v
		sum += v >> 8 // no overflow: a node has fewer rows
	}
	width := uint(bits.Len64(all))
	rice, cost := uint(0), uint64(width)*uint64(len(list))
	useRice := false
	if len(list) > 0 && width > 0 {
		mean := sum / uint64(len(list)) << 8
		if mean == 0 {
			var low uint64
			for _, v := range list {
				low += v & 0xFF
			}
			mean = low / uint64(len(list))
		}
		around := uint(bits.Len64(mean))
		for k := max(around, 2) - 2; k <= min(around+1, 60); k++ {
			if c := riceCost(list, k); c < cost {
				rice, cost, useRice = k, c, true
			}
		}
	}
	w := bitWriter{}
	if !useRice {
		w.dst = append(dst, byte(width))
		for _, v := range list {
			w.put(v, width)
		}
		return w.finish()
	}
	w.dst = append(dst, riceFlag|byte(rice))
	for _, v := range list {
		if v>>rice >= escapeOnes {
			w.put(1<<escapeOnes-1, escapeOnes)
			w.put(v, 64)
			continue
		}
		w.put(1<<(v>>rice)-1, uint(v>>rice)+1)
		w.put(v&(1<<rice-1), rice)
	}
	return w.finish()
}

func riceCost(list []uint64, k uint) (cost uint64) {
	for _, v := range list {
		if q := v >> k; q >= escapeOnes {
			cost += escapeOnes + 64
		} else {
			cost += q + 1 + uint64(k)
		}
	}
	return cost
}

// bitReader reads bits; beyond the end they are zeros and bad is set.
type bitReader struct {
	src []byte
	acc uint64
	n   uint // bits in acc
	bad bool
}

// fill makes sure of at least 56 bits in acc.
func (r *bitReader) fill() {
	if len(r.src) >= 8 {
		r.acc |= binary.LittleEndian.Uint64(r.src) << r.n
		take := (63 - r.n) / 8
		r.src, r.n = r.src[take:], r.n+8*take
		r.acc &= 1<<r.n - 1
		return
	}
	for r.n <= 56 && len(r.src) > 0 {
		r.acc |= uint64(r.src[0]) << r.n
		r.src, r.n = r.src[1:], r.n+8
	}
}

func (r *bitReader) take(n uint) uint64 {
	if n > 32 {
		low := r.take(32)
		return low | r.take(n-32)<<32
	}
	if r.n < n {
		if r.fill(); r.n < n {
			r.bad, r.acc, r.n = true, 0, 0
			return 0
		}
	}
	v := r.acc & (1<<n - 1)
	r.acc, r.n = r.acc>>n, r.n-n
	return v
}

// ones counts ones up to a zero, which it takes too, or up to escapeOnes.
func (r *bitReader) ones() uint {
	if r.n < escapeOnes+1 {
		r.fill()
	}
	q := min(uint(bits.TrailingZeros64(^r.acc)), escapeOnes)
	if q < escapeOnes {
		r.take(q + 1)
	} else {
		r.take(q)
	}
	return q
}

// numbers reads a column of n numbers.
func (d *decoder) numbers(n int) []uint64 {
	how := d.byte()
	k := uint(how &^ riceFlag)
	// Each takes a bit at least, unless all are zeros.
	if k > 64 || how != 0 && n > 8*len(d.data) {
		d.bad, d.data = true, nil
	}
	if d.bad {
		return nil
	}
	list := make([]uint64, n)
	if how == 0 {
		return list
	}
	r := bitReader{src: d.data}
	if how&riceFlag == 0 {
		for i := range list {
			list[i] = r.take(k)
		}
	} else {
		for i := range list {
			if q := r.ones(); q == escapeOnes {
				list[i] = r.take(64)
			} else {
				list[i] = uint64(q)<<k | r.take(k)
			}
		}
	}
	// What was read ahead in whole bytes is not part of the column.
	d.data = d.data[len(d.data)-len(r.src)-int(r.n/8):]
	if d.bad = r.bad; d.bad {
		d.data = nil
	}
	return list
}
