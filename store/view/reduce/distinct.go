package reduce

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"math/bits"
	"strconv"
)

// Distinct is _approx_count_distinct: about how many different keys there are, by HyperLogLog (Flajolet, Fusy, Gandouet,
// Meunier 2007) with 2^11 registers, as CouchDB has it: an error of about 2 %.
//
// A sketch is, for few keys, a list of register numbers and values of three bytes each, ascending; else the registers.
type Distinct struct{}

const (
	registerBits  = 11
	registers     = 1 << registerBits
	sparseEntry   = 3
	maxSparseSize = registers / 2
)

// Reduce implements Reducer.
func (Distinct) Reduce(dst []byte, keys, _ [][]byte) ([]byte, error) {
	var reg [registers]byte
	for _, k := range keys {
		h := fnv.New64a()
		_, _ = h.Write(k) // never fails
		x := mix(h.Sum64())
		n := x >> (64 - registerBits)
		reg[n] = max(reg[n], byte(bits.LeadingZeros64(x<<registerBits|1<<(registerBits-1))+1))
	}
	return appendSketch(dst, &reg), nil
}

// Rereduce implements Reducer.
func (Distinct) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	var reg [registers]byte
	for _, sketch := range reductions {
		readSketch(&reg, sketch)
	}
	return appendSketch(dst, &reg), nil
}

// Final implements Reducer.
func (Distinct) Final(dst, reduction []byte) []byte {
	var reg [registers]byte
	readSketch(&reg, reduction)
	sum, zeros := 0.0, 0
	for _, r := range reg {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			zeros++
		}
	}
	const m = float64(registers)
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if zeros > 0 {
		if linear := m * math.Log(m/float64(zeros)); linear <= 3*m { // linear counting, better where registers are empty
			estimate = linear
		}
	}
	return strconv.AppendInt(dst, int64(math.Round(estimate)), 10)
}

// mix spreads what FNV leaves uneven in the high bits (the finalizer of MurmurHash3).
func mix(x uint64) uint64 {
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func appendSketch(dst []byte, reg *[registers]byte) []byte {
	start := len(dst)
	for i, r := range reg {
		if r == 0 {
			continue
		}
		if len(dst)-start+sparseEntry > maxSparseSize {
			return append(dst[:start], reg[:]...)
		}
		dst = append(binary.BigEndian.AppendUint16(dst, uint16(i)), r)
	}
	return dst
}

func readSketch(reg *[registers]byte, sketch []byte) {
	if len(sketch) == registers {
		for i, r := range sketch {
			reg[i] = max(reg[i], r)
		}
		return
	}
	for ; len(sketch) >= sparseEntry; sketch = sketch[sparseEntry:] {
		i := binary.BigEndian.Uint16(sketch) % registers
		reg[i] = max(reg[i], sketch[2])
	}
}
