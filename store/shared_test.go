package store

import (
	"strings"
	"testing"
)

func TestShared(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 3)
	for n := range len(long) + 1 {
		for _, tt := range []struct{ a, b string }{
			{long[:n], long}, {long[:n] + "x", long[:n] + "y"}, {long[:n] + "x" + long, long[:n] + "y" + long}, {long[:n], long[:n]},
		} {
			if a, b := Shared([]byte(tt.a), []byte(tt.b)), Shared([]byte(tt.b), []byte(tt.a)); a != n || b != n {
				t.Errorf("%q and %q share %d, %d bytes, want %d", tt.a, tt.b, a, b, n)
			}
		}
	}
}
