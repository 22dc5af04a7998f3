package geoip

import (
	"net/netip"

	"logctl/format/token"
)

// The kinds of addresses that are nobody's in particular. A public address has none.
const (
	Private       = "private"       // RFC 1918, unique local addresses
	CGNAT         = "cgnat"         // 100.64.0.0/10: between a provider and its customers
	Loopback      = "loopback"      //
	LinkLocal     = "link-local"    //
	Documentation = "documentation" //
	Benchmarking  = "benchmarking"  //
	Multicast     = "multicast"     //
	Broadcast     = "broadcast"     // 255.255.255.255
	Unspecified   = "unspecified"   // 0.0.0.0/8 and ::
	Reserved      = "reserved"      // everything else that IANA has not given out for use on the Internet
	Malformed     = "malformed"     // no address at all; Kind never gives it
)

// block is a network and the kind of its addresses, "" where they are public.
type block struct {
	network netip.Prefix
	kind    string
}

// blocks4 and blocks6 follow IANA's registries of special-purpose addresses (RFC 6890 and its successors) and of multicast; a
// network stands before those that hold it. An IPv6 address outside of 2000::/3 that is in none of them is reserved.
var (
	blocks4 = blocks(
		"0.0.0.0/8", Unspecified, "10.0.0.0/8", Private, "100.64.0.0/10", CGNAT, "127.0.0.0/8", Loopback,
		"169.254.0.0/16", LinkLocal, "172.16.0.0/12", Private,
		"192.0.0.9/32", "", "192.0.0.10/32", "", "192.0.0.0/24", Reserved, "192.0.2.0/24", Documentation,
		"192.88.99.0/24", Reserved, "192.168.0.0/16", Private, "198.18.0.0/15", Benchmarking,
		"198.51.100.0/24", Documentation, "203.0.113.0/24", Documentation,
		"224.0.0.0/4", Multicast, "255.255.255.255/32", Broadcast, "240.0.0.0/4", Reserved,
	)
	blocks6 = blocks(
		"2001:1::1/128", "", "2001:1::2/128", "", "2001:1::3/128", "", "2001::/32", "", "2001:2::/48", Benchmarking,
		"2001:3::/32", "", "2001:4:112::/48", "", "2001:20::/28", "", "2001:30::/28", "", "2001::/23", Reserved,
		"2001:db8::/32", Documentation, "3fff::/20", Documentation, "2000::/3", "",
		"fe80::/10", LinkLocal, "fc00::/7", Private, "ff00::/8", Multicast, "::1/128", Loopback, "::/128", Unspecified,
		"64:ff9b::/96", "", "64:ff9b:1::/48", Private, "::/0", Reserved,
	)
)

func blocks(networksAndKinds ...string) []block {
	var all []block
	for i := 0; i < len(networksAndKinds); i += 2 {
		all = append(all, block{netip.MustParsePrefix(networksAndKinds[i]), networksAndKinds[i+1]})
	}
	return all
}

// Kind is the kind of a special address, "" of a public one. An IPv4 address inside an IPv6 one (::ffff:192.0.2.1) is what it
// is by itself.
func Kind(a netip.Addr) string {
	a = plain(a)
	table := blocks6
	if a.Is4() {
		table = blocks4
	}
	for i := range table {
		if table[i].network.Contains(a) {
			return table[i].kind
		}
	}
	return ""
}

// plain is the address without what another spelling adds to it.
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

// The networks that stand for whoever uses an address: what a customer mostly gets.
const (
	bits4 = 24
	bits6 = 48
)

// Network is the /24 of an IPv4 address and the /48 of an IPv6 one. It needs no database.
func Network(a netip.Addr) netip.Prefix {
	a = plain(a)
	bits := bits6
	if a.Is4() {
		bits = bits4
	}
	network, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // of the zero Addr
	}
	return network
}

// Parse reads an address or a network such as 192.0.2.0/24, which fail2ban may ban; of a network the address is its first. The
// network is that of the address, see Network, or a larger one that text is. ok is false where text is neither.
func Parse(text []byte) (a netip.Addr, network netip.Prefix, ok bool) {
	if token.IsIP(text) {
		a, err := netip.ParseAddr(string(text))
		return plain(a), Network(a), err == nil
	}
	if !token.IsNetwork(text) {
		return a, network, false
	}
	p, err := netip.ParsePrefix(string(text))
	if err != nil || p.Addr().Is4In6() {
		return a, network, false
	}
	p = p.Masked()
	if network = Network(p.Addr()); p.Bits() < network.Bits() {
		network = p
	}
	return p.Addr(), network, true
}
