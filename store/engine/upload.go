package engine

import (
	"context"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"sync"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// Upload stores what write writes as the bytes of an attachment of a doc that is yet to be written, and gives what is then
// known of it: MD5, Stored, Blob, and Stored as Length. If write fails, nothing stays of it.
//
// Chunks go to the log as they fill up: what an upload needs of memory does not depend on its length. It is on a list until
// the write of a doc refers to it; what a crash leaves on that list is removed when the store is opened again. Nothing is
// synced: batches reach the disk in the order of their application, so a doc that is on disk has its attachments.
//
// An upload that no doc came to refer to is for the caller to Discard.
func (d *DB) Upload(ctx context.Context, write func(io.Writer) error) (store.Attachment, error) {
	u := upload{db: d, ctx: ctx, sum: md5.New()}
	err := u.run(write)
	if err != nil {
		if u.next > 0 {
			// The request may have ended; what came of it has to go all the same. What can't be removed now, because the
			// disk is in trouble, say, is when the store is opened again.
			_ = d.Discard(context.WithoutCancel(ctx), u.blob)
		}
		return store.Attachment{}, err
	}
	a := store.Attachment{Length: u.n, Stored: u.n, Blob: u.blob}
	u.sum.Sum(a.MD5[:0])
	return a, nil
}

// upload is the io.Writer of a call of Upload; it holds the call's context, since Write can't be given one.
type upload struct {
	db   *DB
	ctx  context.Context
	blob uint64
	next uint32 // number of the next chunk
	sum  hash.Hash
	n    int64
	buf  []byte // of capacity chunkLen
}

var chunks = sync.Pool{New: func() any { b := make([]byte, 0, chunkLen); return &b }}

func (u *upload) run(write func(io.Writer) error) error {
	if err := u.db.begin(); err != nil {
		return err
	}
	var err error
	u.blob, err = u.db.newBlob()
	u.db.end()
	if err != nil {
		return err
	}
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	u.buf = (*buf)[:0]
	if err := write(u); err != nil {
		return err
	}
	return u.flush()
}

func (u *upload) Write(p []byte) (int, error) {
	taken := 0
	for taken < len(p) {
		if len(u.buf) == chunkLen {
			if err := u.flush(); err != nil {
				return taken, err
			}
		}
		n := min(len(p)-taken, chunkLen-len(u.buf))
		u.buf = append(u.buf, p[taken:taken+n]...)
		taken += n
	}
	return taken, nil
}

// flush applies the chunk at hand. Each one comes with the upload's entry on the list: one that is applied after its caller
// has given up, and the list was cleared, is found there.
func (u *upload) flush() error {
	d := u.db
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	b := d.e.pdb.NewBatchWithSize(len(u.buf) + 64)
	b.Set(d.uploadKey(u.blob), []byte{recordV1}, nil)
	if len(u.buf) > 0 {
		b.Set(d.chunkKey(u.blob, u.next), u.buf, nil)
		u.sum.Write(u.buf)
		u.n += int64(len(u.buf))
		u.buf = u.buf[:0]
	}
	u.next++
	_, err := d.e.attempt(u.ctx, func() (uint64, error) {
		defer b.Close()
		d.rowsMu.RLock() // not while the database is dropped
		defer d.rowsMu.RUnlock()
		if d.dropped.Load() {
			return 0, errNoDB()
		}
		return d.e.apply(b)
	})
	return err
}

// newBlob is a number that no blob has.
func (d *DB) newBlob() (uint64, error) {
	d.blobMu.Lock()
	defer d.blobMu.Unlock()
	if d.nextBlob == 0 {
		last, err := d.lastBlob()
		if err != nil {
			return 0, err
		}
		d.nextBlob = last + 1
	}
	d.nextBlob++
	return d.nextBlob - 1, nil
}

// lastBlob is the greatest number of a blob that is on record.
func (d *DB) lastBlob() (uint64, error) {
	lo, hi := d.keys.space(subBlobs)
	it, err := d.e.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi})
	if err != nil {
		return 0, readError(err)
	}
	defer it.Close()
	if !it.Last() {
		return 0, readError(it.Error())
	}
	return binary.BigEndian.Uint64(it.Key()[prefixLen:]), nil
}

// Discard removes those of the blobs that are still on the list of uploads. It waits for a write under way, which may be
// about to refer to them.
func (d *DB) Discard(ctx context.Context, blobs ...uint64) error {
	if err := d.begin(); err != nil {
		return err
	}
	defer d.end()
	if err := d.lock(ctx); err != nil {
		return err
	}
	_, err := d.e.attempt(ctx, func() (uint64, error) {
		defer d.unlock()
		b := d.e.pdb.NewBatch()
		defer b.Close()
		for _, blob := range blobs {
			v, err := d.e.get(d.uploadKey(blob))
			if err != nil {
				return 0, err
			}
			if v != nil {
				b.Delete(d.uploadKey(blob), nil)
				d.dropChunks(b, blob)
			}
		}
		if b.Empty() {
			return 0, nil
		}
		return d.e.apply(b)
	})
	return err
}

// dropUploads removes what the last run left unfinished.
func (e *Engine) dropUploads() error {
	b := e.pdb.NewBatch()
	defer b.Close()
	lo := []byte{spaceUploads}
	err := e.scan(lo, successor(lo), func(k, _ []byte) error {
		if len(k) != uploadKeyLen {
			return errCorrupt(errors.New("entry of an upload"))
		}
		d := DB{keys: newKeys(binary.BigEndian.Uint32(k[1:]))}
		d.dropChunks(b, binary.BigEndian.Uint64(k[5:]))
		b.Delete(k, nil)
		return nil
	})
	if err != nil || b.Empty() {
		return err
	}
	return unreadable(e.pdb.Apply(b, pebble.NoSync))
}

// uploadKeyLen is that of the key of an upload: its space, the database's number, the blob's.
const uploadKeyLen = 1 + 4 + 8

// uploads are the keys of all uploads into the database.
func (k *keys) uploads() (lo, hi []byte) {
	lo = append([]byte{spaceUploads}, k.prefix[1:prefixLen-1]...)
	return lo, successor(lo)
}

func (d *DB) uploadKey(blob uint64) []byte {
	lo, _ := d.keys.uploads()
	return binary.BigEndian.AppendUint64(lo, blob)
}

func (d *DB) chunkKey(blob uint64, n uint32) []byte {
	return binary.BigEndian.AppendUint32(d.keys.numbered(subChunks, blob), n)
}

// dropChunks removes the chunks of a blob.
func (d *DB) dropChunks(b *pebble.Batch, blob uint64) {
	lo := d.keys.numbered(subChunks, blob)
	b.DeleteRange(lo, successor(lo), nil)
}

// Uploads is how many uploads no doc refers to yet.
func (d *DB) Uploads() (int, error) {
	if err := d.begin(); err != nil {
		return 0, err
	}
	defer d.end()
	n := 0
	lo, hi := d.keys.uploads()
	err := d.e.scan(lo, hi, func(_, _ []byte) error { n++; return nil })
	return n, err
}
