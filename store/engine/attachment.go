package engine

import (
	"errors"
	"fmt"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// AttachmentReader reads the stored bytes of an attachment, a chunk at a time. It is an io.ReadSeeker of one goroutine and
// needs no end. A read fails with KindNotFound once the last revision that has the attachment is gone.
type AttachmentReader struct {
	db     *DB
	att    store.Attachment
	at     int64
	chunk  []byte // the chunk number loaded
	loaded int64
}

// Attachment reads an attachment that a doc of the database has.
func (d *DB) Attachment(a store.Attachment) *AttachmentReader {
	return &AttachmentReader{db: d, att: a, loaded: -1}
}

// Read reads on from where the last one ended.
func (r *AttachmentReader) Read(p []byte) (int, error) {
	if r.at >= r.att.Stored {
		return 0, io.EOF
	}
	if n := r.at / chunkLen; n != r.loaded {
		if err := r.load(n); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.chunk[r.at%chunkLen:])
	r.at += int64(n)
	return n, nil
}

func (r *AttachmentReader) load(n int64) error {
	if err := r.db.begin(); err != nil {
		return err
	}
	defer r.db.end()
	v, closer, err := r.db.e.pdb.Get(r.db.chunkKey(r.att.Blob, uint32(n)))
	if errors.Is(err, pebble.ErrNotFound) {
		return r.lost()
	}
	if err != nil {
		return readError(err)
	}
	r.chunk, r.loaded = append(r.chunk[:0], v...), n
	if err := closer.Close(); err != nil {
		return readError(err)
	}
	if want := min(r.att.Stored-n*chunkLen, chunkLen); int64(len(r.chunk)) != want {
		r.loaded = -1
		return errCorrupt(fmt.Errorf("chunk %d of an attachment has %d bytes instead of %d", n, len(r.chunk), want))
	}
	return nil
}

// lost tells why a chunk is not there.
func (r *AttachmentReader) lost() error {
	n, err := r.db.blobRefs(r.att.Blob)
	if err == nil && n > 0 {
		err = errCorrupt(errors.New("an attachment lacks a part"))
	}
	if err == nil {
		err = errMissing()
	}
	return err
}

// Seek sets where the next Read begins.
func (r *AttachmentReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.att.Stored
	}
	if offset < 0 {
		return r.at, errors.New("seek before the beginning of an attachment")
	}
	r.at = offset
	return offset, nil
}
