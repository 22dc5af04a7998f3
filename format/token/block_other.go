//go:build !amd64

package token

// ScanBlock has a bit for each byte of a block that is a blank, the first byte's the lowest, and tells, by a special that is not
// zero, whether one of the bytes needs more than to be copied into a JSON string: a control character, a quote, a backslash or
// no ASCII.
func ScanBlock(b *[BlockSize]byte) (blanks, special uint64) { return scanBlock(b) }
