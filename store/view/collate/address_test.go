package collate

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func textKey(t *testing.T, text string) []byte { return key(t, ICU, fmt.Sprintf("%q", text)) }

// TestAddress compares the numbers of addresses with their keys: each octet in each place, and pairs by chance.
func TestAddress(t *testing.T) {
	number := func(text string) uint32 {
		k := textKey(t, text)
		n, ok := Address(k)
		if !ok {
			t.Fatalf("%s has no number", text)
		}
		if back := AppendAddress([]byte("x"), n); !bytes.Equal(back[1:], k) {
			t.Fatalf("%s came back as %x, not %x", text, back[1:], k)
		}
		return n
	}
	octets := [4]byte{7, 10, 100, 255}
	for place := range octets {
		of := octets
		for v := range 256 {
			of[place] = byte(v)
			number(netip.AddrFrom4(of).String())
		}
	}
	r := rand.New(rand.NewPCG(1, 4))
	for range 100_000 {
		// Few different octets, so that addresses have beginnings in common.
		var texts [2]string
		for i := range texts {
			texts[i] = netip.AddrFrom4([4]byte{byte(r.IntN(3)), byte(r.IntN(21)), byte(100 + r.IntN(11)), byte(r.IntN(256))}).String()
		}
		want := bytes.Compare(textKey(t, texts[0]), textKey(t, texts[1]))
		a, b := number(texts[0]), number(texts[1])
		if a < b && want >= 0 || a == b && want != 0 || a > b && want <= 0 {
			t.Fatalf("%v: numbers %d and %d, keys in order %d", texts, a, b, want)
		}
	}
}

func TestNoAddress(t *testing.T) {
	for _, text := range []string{
		"", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "256.2.3.4", "1.2.3.04", "00.2.3.4", "1..3.4", ".1.2.3", "1.2.3.", "1.2.3.4 ", "1,2.3.4",
		"1.2.3.a", "1.2.3.½", "１.2.3.4", "1.2.3.4A", "::1", "1.2.3.1000", "99999999999.2.3.4",
	} {
		if n, ok := Address(textKey(t, text)); ok {
			t.Errorf("%q has the number %d", text, n)
		}
	}
	for _, k := range [][]byte{nil, {kindString}, AppendAddress(nil, 1)[1:], textKey(t, "10.2.3.4")[:9], append(textKey(t, "10.2.3.4"), 0)} {
		if n, ok := Address(k); ok {
			t.Errorf("%x has the number %d", k, n)
		}
	}
	raw, _, err := Raw.Append(nil, []byte(`"10.2.3.4"`))
	if n, ok := Address(raw); ok || err != nil {
		t.Errorf("a raw key has the number %d, error %v", n, err)
	}
}
