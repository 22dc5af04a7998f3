package token

import (
	"math/rand/v2"
	"testing"
)

// TestScanBlock holds both ways to look at a block against looking at its bytes one by one.
func TestScanBlock(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for round := range 20_000 {
		var b [BlockSize]byte
		for i := range b {
			switch rnd.IntN(8) {
			case 0:
				b[i] = ' '
			case 1: // neighbours of what matters
				b[i] = []byte("!\"#[\\]\x1f\x7f")[rnd.IntN(8)]
			default:
				b[i] = byte('a' + rnd.IntN(26))
			}
			if round%2 == 0 && b[i] != ' ' && rnd.IntN(4) > 0 {
				b[i] = 'x'
			}
		}
		if round%4 == 0 {
			b[rnd.IntN(BlockSize)] = byte(rnd.IntN(256))
		}
		var blanks uint64
		special := false
		for i, c := range b {
			if c == ' ' {
				blanks |= 1 << i
			}
			special = special || c < ' ' || c > 0x7f || c == '"' || c == '\\'
		}
		for name, scan := range map[string]func(*[BlockSize]byte) (uint64, uint64){"ScanBlock": ScanBlock, "scanBlock": scanBlock} {
			if gotBlanks, gotSpecial := scan(&b); gotBlanks != blanks || (gotSpecial != 0) != special {
				t.Fatalf("%s of %q: %b %v, want %b %v", name, b, gotBlanks, gotSpecial, blanks, special)
			}
		}
	}
}

func BenchmarkScanBlock(b *testing.B) {
	block := [BlockSize]byte([]byte("2026-11-21 01:18:29,619 fail2ban.actions        [7756]: NOTICE  ["))
	b.SetBytes(BlockSize)
	b.Run("used", func(b *testing.B) {
		for b.Loop() {
			ScanBlock(&block)
		}
	})
	b.Run("Go", func(b *testing.B) {
		for b.Loop() {
			scanBlock(&block)
		}
	})
}
