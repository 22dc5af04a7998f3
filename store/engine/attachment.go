package engine

import (
	"errors"
	"fmt"
	"io"

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
	v, err := r.db.e.get(r.db.chunkKey(r.att.Blob, uint32(n)))
	if err != nil {
		return err
	}
	want := min(r.att.Stored-n*chunkLen, chunkLen)
	if v == nil {
		return r.lost()
	}
	if int64(len(v)) != want {
		return errCorrupt(fmt.Errorf("chunk %d of an attachment has %d bytes instead of %d", n, len(v), want))
	}
	r.chunk, r.loaded = v, n
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
