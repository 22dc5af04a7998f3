package ship

import (
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"logctl/store"
)

// What a record of the spool holds.
const (
	packVersion = 1

	packDocs    = 'd' // docs for the app, with the lines that they were made of
	packRejects = 'r' // docs for the database of rejects
)

// pack appends a batch as a record of the spool: version, kind, the number of docs, the docs' ends and bytes, the lines' ends and
// bytes, and where lines were met: for each stretch of lines how many, the file, the time. Numbers are varints.
func pack(dst []byte, kind byte, b *batch) []byte {
	dst = append(dst, packVersion, kind)
	dst = binary.AppendUvarint(dst, uint64(len(b.ends)))
	dst = packTexts(dst, b.docs, b.ends)
	if kind != packDocs {
		return dst
	}
	dst = packTexts(dst, b.lines, b.lineEnds)
	for i := 0; i < len(b.origins); {
		from, n := b.origins[i], 1
		for i+n < len(b.origins) && b.origins[i+n] == from {
			n++
		}
		dst = binary.AppendUvarint(dst, uint64(n))
		dst = binary.AppendUvarint(dst, uint64(len(from.file)))
		dst = append(dst, from.file...)
		dst = binary.AppendVarint(dst, from.reference.Unix())
		i += n
	}
	return dst
}

func packTexts(dst, text []byte, ends []int) []byte {
	start := 0
	for _, end := range ends {
		dst = binary.AppendUvarint(dst, uint64(end-start))
		start = end
	}
	return append(dst, text...)
}

// errPack is a record that was not made by pack.
var errPack = errors.New("a record of the spool makes no sense")

// unpack makes b the batch that a record holds. An error is of KindNewerFormat, or errPack.
func unpack(b *batch, record []byte) (kind byte, err error) {
	b.reset()
	if len(record) < 2 {
		return 0, errPack
	}
	if record[0] > packVersion {
		return 0, &store.Error{Kind: store.KindNewerFormat, Reason: "a newer logctl has filled the spool", Hint: "use that one"}
	}
	kind = record[1]
	p := unpacker{b: record[2:]}
	n := p.count()
	b.docs, b.ends = p.texts(b.docs, b.ends, n)
	switch kind {
	case packDocs:
		b.keep = true
		b.lines, b.lineEnds = p.texts(b.lines, b.lineEnds, n)
		for len(b.origins) < n && !p.bad {
			p.origins(b, n)
		}
	case packRejects:
	default:
		return 0, errPack
	}
	if p.bad || len(p.b) > 0 || record[0] == 0 || !b.plain() {
		b.reset()
		return 0, errPack
	}
	return kind, nil
}

// plain tells whether each doc is one that add may have made.
func (b *batch) plain() bool {
	for i := range b.ends {
		if i > 0 && (b.ends[i] == b.ends[i-1] || b.docs[b.ends[i-1]] != ',') {
			return false
		}
		doc := b.doc(i)
		if len(doc) < len(docStart)+2 || string(doc[:len(docStart)]) != docStart || !slices.Contains(doc[len(docStart):], '"') {
			return false
		}
	}
	return true
}

// unpacker reads a record; bad is true from the first thing on that makes no sense.
type unpacker struct {
	b   []byte
	bad bool
}

func (p *unpacker) number() uint64 {
	n, size := binary.Uvarint(p.b)
	if p.bad || size <= 0 {
		p.bad = true
		return 0
	}
	p.b = p.b[size:]
	return n
}

// count is a number of things of which each takes a byte at least.
func (p *unpacker) count() int {
	n := p.number()
	if n > uint64(len(p.b)) {
		p.bad = true
		return 0
	}
	return int(n)
}

// texts reads n texts and where each ends.
func (p *unpacker) texts(text []byte, ends []int, n int) ([]byte, []int) {
	end := 0
	for range n {
		end += p.count()
		ends = append(ends, end)
	}
	if p.bad || end > len(p.b) || n > 0 && !slices.IsSorted(ends) {
		p.bad = true
		return text, ends
	}
	text = append(text, p.b[:end]...)
	p.b = p.b[end:]
	return text, ends
}

// origins reads where a stretch of lines was met.
func (p *unpacker) origins(b *batch, lines int) {
	n := p.number()
	file := p.count()
	if p.bad || n == 0 || n > uint64(lines-len(b.origins)) {
		p.bad = true
		return
	}
	from := &origin{file: string(p.b[:file])}
	p.b = p.b[file:]
	at, size := binary.Varint(p.b)
	if size <= 0 {
		p.bad = true
		return
	}
	p.b = p.b[size:]
	from.reference = time.Unix(at, 0)
	b.origins = append(b.origins, slices.Repeat([]*origin{from}, int(n))...)
}
