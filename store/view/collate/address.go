package collate

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// octets are 0 to 255 in the order of their decimal digits as text, in which keys have them, and the place of each in it.
type addressOctets struct{ at, place [256]byte }

var octets = sync.OnceValue(func() *addressOctets {
	o := new(addressOctets)
	list := make([]string, 256)
	for i := range list {
		list[i] = strconv.Itoa(i)
	}
	slices.SortFunc(list, strings.Compare)
	for i, text := range list {
		n, _ := strconv.Atoi(text)
		o.at[i], o.place[n] = byte(n), byte(i)
	}
	return o
})

// Address gives the number of the IPv4 address that k is the key of, a string like "192.0.2.1"; it is false for any other key. The
// numbers of addresses are in the order of their keys.
func Address(k []byte) (n uint32, ok bool) {
	if len(k) < len("0.0.0.0")+2 || k[0] != kindString || k[len(k)-1] != keyEnd {
		return 0, false
	}
	t, place := tables(), &octets().place
	dot, zero := t.code['.'], t.code['0']
	dots, octet, digits := 0, 0, 0
	for _, c := range k[1 : len(k)-1] {
		if c == dot {
			if digits == 0 || dots == 3 {
				return 0, false
			}
			n = n<<8 | uint32(place[octet])
			dots, octet, digits = dots+1, 0, 0
			continue
		}
		d := c - zero // twice the digit; much where c is less
		if d > 18 || d&1 != 0 || digits > 0 && octet == 0 {
			return 0, false
		}
		if octet = 10*octet + int(d/2); octet > 255 {
			return 0, false
		}
		digits++
	}
	if digits == 0 || dots != 3 {
		return 0, false
	}
	return n<<8 | uint32(place[octet]), true
}

// AppendAddress appends the key of the address with that number.
func AppendAddress(dst []byte, n uint32) []byte {
	t, at := tables(), &octets().at
	dst = append(dst, kindString)
	var room [3]byte
	for shift := 24; shift >= 0; shift -= 8 {
		for _, c := range strconv.AppendUint(room[:0], uint64(at[byte(n>>shift)]), 10) {
			dst = append(dst, t.code[c])
		}
		if shift > 0 {
			dst = append(dst, t.code['.'])
		}
	}
	return append(dst, keyEnd)
}
