package engine

import (
	"encoding/binary"
	"errors"

	"logctl/store"
)

// The bytes of an attachment are a blob: chunks under the number of the blob, and beside them how many of the payloads that
// are kept refer to it. A blob is one doc's; its revisions share it. The count changes in the batch that writes or removes a
// payload, and with the last reference the blob goes in the same batch. A blob that is being written, or was written for a
// doc that is not, is on the list of uploads instead (see Upload).

// chunkLen is the length of every chunk of a blob but the last. It is part of the format.
const chunkLen = 256 << 10

// hold counts a reference to each of a revision's attachments.
func (ed *editor) hold(atts []store.Attachment) { ed.refer(atts, 1) }

// letGo takes the references of a revision back that is not kept any longer.
func (ed *editor) letGo(n *node) error {
	p := n.body
	if p == nil {
		var err error
		if p, err = ed.db.e.get(ed.db.keys.revBody(n.seq)); err != nil {
			return err
		}
	}
	_, atts, err := splitPayload(p)
	ed.refer(atts, -1)
	return err
}

func (ed *editor) refer(atts []store.Attachment, n int) {
	if len(atts) > 0 && ed.refs == nil {
		ed.refs = map[uint64]int{}
	}
	for i := range atts {
		ed.refs[atts[i].Blob] += n
	}
}

// checkBlobs errs with KindMissingStub where a blob that a doc refers to is not there: an attachment that was not found, or
// one that has gone meanwhile.
func (ed *editor) checkBlobs(doc *store.Doc) error {
	for i := range doc.Attachments {
		a := &doc.Attachments[i]
		count, err := ed.db.blobRefs(a.Blob)
		if err != nil {
			return err
		}
		if count == 0 && ed.refs[a.Blob] <= 0 {
			pending, err := ed.db.e.get(ed.db.uploadKey(a.Blob))
			if err != nil {
				return err
			}
			if pending == nil {
				return store.NewError(store.KindMissingStub, "Invalid attachment stub in "+doc.ID+" for "+a.Name)
			}
		}
	}
	return nil
}

// blobRefs is how many references to a blob are on record.
func (d *DB) blobRefs(blob uint64) (int, error) {
	v, err := d.e.get(d.keys.numbered(subBlobs, blob))
	if err != nil || v == nil {
		return 0, err
	}
	dec := decoder{src: v}
	dec.version()
	n := dec.uvarint()
	return int(n), dec.err("blob record")
}

// settleRefs writes the counts that the edits changed and removes the blobs that nothing refers to.
func (ed *editor) settleRefs() error {
	d := ed.db
	for blob, change := range ed.refs {
		before, err := d.blobRefs(blob)
		if err != nil {
			return err
		}
		after := before + change
		switch {
		case after < 0:
			return errCorrupt(errors.New("more references to an attachment are removed than there are"))
		case after == 0:
			ed.batch.Delete(d.keys.numbered(subBlobs, blob), nil)
			d.dropChunks(ed.batch, blob)
		case change != 0:
			rec := binary.AppendUvarint([]byte{recordV1}, uint64(after))
			ed.batch.Set(d.keys.numbered(subBlobs, blob), rec, nil)
		}
		if before == 0 {
			ed.batch.Delete(d.uploadKey(blob), nil)
		}
	}
	return nil
}
