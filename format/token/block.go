package token

import "encoding/binary"

// BlockSize is how many bytes ScanBlock looks at, a bit for each.
const BlockSize = 64

// scanBlock is ScanBlock in Go, eight bytes at a time, for the machines that have no shorter way.
func scanBlock(b *[BlockSize]byte) (blanks, special uint64) {
	for i := 0; i < BlockSize; i += 8 {
		w := binary.LittleEndian.Uint64(b[i : i+8])
		x := w ^ lowBits*' '
		marks := highBits &^ ((x&^highBits + ^uint64(highBits)) | x)          // no byte's sum carries into the next
		blanks = blanks>>8 | (marks>>7*0x0102040810204080)&0xff00000000000000 // a bit for each mark
		special |= blockSpecial(w)
	}
	return blanks, special & highBits
}

// blockSpecial has a high bit if one of w's bytes is below 0x20 or above 0x7f, a quote or a backslash. With one bit turned the
// quote is below what it takes off, too, and nothing else is.
func blockSpecial(w uint64) uint64 {
	return ((w ^ lowBits*2) - lowBits*0x21) | ((w ^ lowBits*'\\') - lowBits) | w
}
