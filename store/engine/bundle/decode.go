package bundle

import (
	"encoding/binary"
	"errors"
)

// decoder reads a bundle; after a first mistake it gives zeros and err tells.
type decoder struct {
	src []byte
	err error
}

func (d *decoder) fail(what string) {
	if d.err == nil {
		d.err = errors.New("bundle: " + what)
	}
	d.src = nil
}

func (d *decoder) byte() byte {
	if len(d.src) == 0 {
		d.fail("cut short")
		return 0
	}
	b := d.src[0]
	d.src = d.src[1:]
	return b
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.src)
	if n <= 0 {
		d.fail("cut short")
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.src)
	if n <= 0 {
		d.fail("cut short")
		return 0
	}
	d.src = d.src[n:]
	return v
}

func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.src)) {
		d.fail("cut short")
		return nil
	}
	b := d.src[:n:n]
	d.src = d.src[n:]
	return b
}

func (d *decoder) text() []byte { return d.bytes(d.uvarint()) }
