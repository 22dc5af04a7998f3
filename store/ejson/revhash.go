package ejson

import (
	"crypto/md5"
	"encoding/hex"
	"sync"

	"logctl/store"
)

// AppendRevHash appends the 32 hex digits by which CouchDB names the revision that an edit makes: the doc had the
// revision parent (zero for none) and gets this body, which is in stored form, and these attachments, in the order in
// which CouchDB lists them, of which name, type and MD5 count. Edits that are alike make equal revisions on every server; this is what replication stands
// on.
//
// It is couch_db:new_revid: the MD5 of the Erlang term
//
//	[Deleted, ParentGen, ParentHash, Body, Atts]
//
// in the external term format, as term_to_binary writes it with minor_version 1:
//
//	131                     version
//	l 5                     a list of five (u32)
//	  d 4 "true"            or d 5 "false": an atom
//	  a 0 | a gen | b gen   ParentGen, 0 for none
//	  a 0 | m 16 bytes      ParentHash, 0 for none; a hash that is not 32 hex digits is m and its text
//	  h 1 …                 Body, see termWriter
//	  j | l n (h 3 m Name m Type m MD5)… j
//	                        Atts, the last first
//	j                       the end of the list
func AppendRevHash(dst []byte, deleted bool, parent store.Rev, body []byte, atts ...store.Attachment) []byte {
	return appendRevHash(dst, deleted, parent, body, atts, false)
}

// AppendRevivalHash is AppendRevHash for a doc that comes back over its tombstone. CouchDB names that revision once the
// attachments are written, when it knows no more of them there than how many they are: each counts as three times undefined.
func AppendRevivalHash(dst []byte, tombstone store.Rev, body []byte, atts ...store.Attachment) []byte {
	return appendRevHash(dst, false, tombstone, body, atts, true)
}

func appendRevHash(dst []byte, deleted bool, parent store.Rev, body []byte, atts []store.Attachment, unknown bool) []byte {
	t := terms.Get().(*termWriter)
	defer t.free()
	b := append(t.out[:0], 131, 'l', 0, 0, 0, 5)
	b = appendAtom(b, deleted)
	b = appendInt(b, int64(parent.Gen))
	if parent.Hash == "" {
		b = append(b, 'a', 0)
	} else if id, err := hex.DecodeString(parent.Hash); err == nil && len(id) == md5.Size {
		b = appendBinary(b, id)
	} else {
		b = appendBinary(b, parent.Hash)
	}
	t.out, t.src, t.pos = b, body, 0
	t.value(0)
	b = t.out
	if len(atts) > 0 {
		b = appendCount(append(b, 'l'), len(atts))
	}
	for i := len(atts) - 1; i >= 0; i-- {
		b = append(b, 'h', 3)
		if unknown {
			const undefined = "d\x00\x09undefined"
			b = append(b, undefined+undefined+undefined...)
			continue
		}
		b = appendBinary(b, atts[i].Name)
		b = appendBinary(b, atts[i].Type)
		b = appendBinary(b, atts[i].MD5[:])
	}
	b = append(b, 'j', 'j')
	t.out = b
	sum := md5.Sum(b)
	return hex.AppendEncode(dst, sum[:])
}

// AppendTerm appends JSON in stored form as the Erlang term that CouchDB makes of it, see termWriter.
func AppendTerm(dst, src []byte) []byte {
	t := termWriter{src: src, out: dst}
	t.value(0)
	return t.out
}

// terms recycles the buffers that terms are written to.
var terms = sync.Pool{New: func() any { return new(termWriter) }}

// maxTerm is the largest buffer kept for the next term.
const maxTerm = 1 << 18

func (t *termWriter) free() {
	t.src = nil
	if cap(t.out) > maxTerm {
		t.out = nil
	}
	if cap(t.scratch) > maxTerm {
		t.scratch = nil
	}
	terms.Put(t)
}
