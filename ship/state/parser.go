package state

import "encoding/binary"

// parser reads what was written here. After damage it gives zeros, and done says so.
type parser struct {
	b   []byte
	bad bool
}

// bytes gives the next n bytes; never nil.
func (p *parser) bytes(n uint64) []byte {
	if p.bad || n > uint64(len(p.b)) {
		p.bad = true
		return []byte{}
	}
	out := p.b[:n:n]
	p.b = p.b[n:]
	return out
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.b)
	if p.bad || n <= 0 {
		p.bad = true
		return 0
	}
	p.b = p.b[n:]
	return v
}

// count reads how many things of size bytes at least follow.
func (p *parser) count(size uint64) uint64 { return p.fitting(p.uvarint(), size) }

// count32 is count of a number of 4 bytes.
func (p *parser) count32(size uint64) uint64 { return p.fitting(uint64(p.uint32()), size) }

func (p *parser) fitting(n, size uint64) uint64 {
	if n > uint64(len(p.b))/size {
		p.bad = true
		return 0
	}
	return n
}

func (p *parser) uint16() uint16 { return binary.BigEndian.Uint16(p.fixed(2)) }
func (p *parser) uint32() uint32 { return binary.BigEndian.Uint32(p.fixed(4)) }
func (p *parser) uint64() uint64 { return binary.BigEndian.Uint64(p.fixed(8)) }

func (p *parser) fixed(n uint64) []byte {
	if b := p.bytes(n); uint64(len(b)) == n {
		return b
	}
	return make([]byte, n)
}

func (p *parser) done() error {
	if p.bad || len(p.b) > 0 {
		return errDamaged
	}
	return nil
}
