// Package mmdbtest writes small databases in the MaxMind DB format, version 2.0, for tests: a binary tree of networks, whose
// leaves lead into a section of data, and metadata behind it.
package mmdbtest

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
)

// Record is what a database says of a network; its zero fields are left out.
type Record struct {
	Network             string
	Country, Registered string
	ASN                 uint32
	Org                 string
	Flat                bool // country_code, asn and as_name, as some databases have them
}

// node is one bit of a network; a leaf has no children and may have data.
type node struct {
	children [2]*node
	data     int // offset in the data section plus one, 0 for none
}

// Build makes the bytes of a database. A network inside another one wins over it, whatever their order.
func Build(records ...Record) []byte {
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b Record) int { return prefix(a).Bits() - prefix(b).Bits() })
	var data []byte
	root := &node{}
	for _, r := range records {
		root.insert(prefix(r), len(data)+1)
		data = appendRecord(data, r)
	}
	var nodes []*node
	for queue := []*node{root}; len(queue) > 0; queue = queue[1:] {
		if queue[0] != nil && !queue[0].leaf() {
			nodes = append(nodes, queue[0])
			queue = append(queue, queue[0].children[:]...)
		}
	}
	var out bytes.Buffer
	for _, n := range nodes {
		for _, c := range n.children {
			var value [4]byte
			binary.BigEndian.PutUint32(value[:], uint32(c.value(nodes)))
			out.Write(value[1:])
		}
	}
	out.Write(make([]byte, separator))
	out.Write(data)
	out.WriteString("\xab\xcd\xefMaxMind.com")
	out.Write(metadata(len(nodes)))
	return out.Bytes()
}

// separator is how many zero bytes stand between the tree and the data.
const separator = 16

// prefix is a record's network as one of the IPv6 tree, where IPv4 is ::/96.
func prefix(r Record) netip.Prefix {
	p := netip.MustParsePrefix(r.Network)
	if !p.Addr().Is4() {
		return p
	}
	four := p.Addr().As4()
	var six [16]byte
	copy(six[12:], four[:])
	return netip.PrefixFrom(netip.AddrFrom16(six), p.Bits()+96)
}

func (n *node) leaf() bool { return n.children[0] == nil }

// insert gives the networks in p the data.
func (n *node) insert(p netip.Prefix, data int) {
	bits := p.Addr().As16()
	for i := range p.Bits() {
		if n.leaf() {
			n.children = [2]*node{{data: n.data}, {data: n.data}}
			n.data = 0
		}
		n = n.children[bits[i/8]>>(7-i%8)&1]
	}
	n.data = data
}

// value is what a node's record in the tree says: the number of another node, or where data is, or that there is none.
func (n *node) value(nodes []*node) int {
	switch {
	case !n.leaf():
		return slices.Index(nodes, n)
	case n.data == 0:
		return len(nodes)
	}
	return len(nodes) + separator + n.data - 1
}

// The types of the data section that are used here.
const (
	typeString = 2
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
)

func appendControl(dst []byte, kind, size int) []byte {
	const extended, oneByte = 8, 29
	short := min(size, oneByte)
	if kind < extended {
		dst = append(dst, byte(kind<<5|short))
	} else {
		dst = append(dst, byte(short), byte(kind-extended+1))
	}
	if size >= oneByte {
		dst = append(dst, byte(size-oneByte))
	}
	return dst
}

func appendString(dst []byte, s string) []byte {
	return append(appendControl(dst, typeString, len(s)), s...)
}

func appendNumber(dst []byte, kind int, n uint64) []byte {
	digits := bytes.TrimLeft(binary.BigEndian.AppendUint64(nil, n), "\x00")
	return append(appendControl(dst, kind, len(digits)), digits...)
}

func appendRecord(dst []byte, r Record) []byte {
	var members [][]byte
	add := func(name string, value []byte) { members = append(members, append(appendString(nil, name), value...)) }
	code := func(c string) []byte {
		return appendString(appendString(appendControl(nil, typeMap, 1), "iso_code"), c)
	}
	if r.Flat {
		add("country", appendString(nil, "a name"))
		add("country_code", appendString(nil, r.Country))
		add("asn", appendString(nil, "AS"+strconv.Itoa(int(r.ASN))))
		add("as_name", appendString(nil, r.Org))
		return append(appendControl(dst, typeMap, len(members)), bytes.Join(members, nil)...)
	}
	if r.Country != "" {
		add("country", code(r.Country))
	}
	if r.Registered != "" {
		add("registered_country", code(r.Registered))
	}
	if r.ASN != 0 {
		add("autonomous_system_number", appendNumber(nil, typeUint32, uint64(r.ASN)))
	}
	if r.Org != "" {
		add("autonomous_system_organization", appendString(nil, r.Org))
	}
	return append(appendControl(dst, typeMap, len(members)), bytes.Join(members, nil)...)
}

func metadata(nodes int) []byte {
	const members = 9
	m := appendControl(nil, typeMap, members)
	m = appendNumber(appendString(m, "binary_format_major_version"), typeUint16, 2)
	m = appendNumber(appendString(m, "binary_format_minor_version"), typeUint16, 0)
	m = appendNumber(appendString(m, "build_epoch"), typeUint64, 1700000000)
	m = appendString(appendString(m, "database_type"), "Test")
	m = appendControl(appendString(m, "description"), typeMap, 0)
	m = appendNumber(appendString(m, "ip_version"), typeUint16, 6)
	m = appendControl(appendString(m, "languages"), typeArray, 0)
	m = appendNumber(appendString(m, "node_count"), typeUint32, uint64(nodes))
	return appendNumber(appendString(m, "record_size"), typeUint16, 24)
}
