// Package backup writes databases into one file and makes them anew out of it, through CouchDB's API: so a running server can be backed
// up, and either store restored from the other's backup.
//
// # The file
//
// The line "logctl backup 1\n", then a zstd stream of lines of JSON:
//
//	{"database":"log_app","security":{…}}   what follows is of this database
//	{"doc":{…}}                             a leaf revision, with its _rev and attachments, in the order of the changes feed
//	{"end":{"databases":1,"docs":2,"sha256":"…"}}   the last line: how many there are, and the sum of all lines before it
//
// The number in the first line names this form; a greater one is refused by name. A file without its last line, or with another sum, is
// not restored.
//
// # What holds
//
// Each database is as at one moment of the backup, on the embedded store; CouchDB gives docs that change meanwhile as they were or as
// they are. Not in it: revisions that were replaced, local docs, view indexes, the server's settings.
package backup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"

	"logctl/store"
)

const (
	magic   = "logctl backup "
	version = 1
)

// Source is a server that is backed up; *couch.Client is one.
type Source interface {
	Security(ctx context.Context, db store.DBName) (json.RawMessage, error)
	LeafDocs(ctx context.Context, db store.DBName) iter.Seq2[json.RawMessage, error]
}

// Totals are what a backup holds.
type Totals struct {
	Databases int    `json:"databases"`
	Docs      int    `json:"docs"`
	SHA256    string `json:"sha256"`
}

// line is a line of the file: one of its members is set.
type line struct {
	Database store.DBName    `json:"database,omitempty"`
	Security json.RawMessage `json:"security,omitempty"`
	Doc      json.RawMessage `json:"doc,omitempty"`
	End      *Totals         `json:"end,omitempty"`
}

// Write backs up databases into w.
func Write(ctx context.Context, w io.Writer, from Source, dbs []store.DBName) (Totals, error) {
	if _, err := fmt.Fprintf(w, "%s%d\n", magic, version); err != nil {
		return Totals{}, err
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return Totals{}, err
	}
	b := writer{out: bufio.NewWriter(z), sum: sha256.New()}
	err = b.all(ctx, from, dbs)
	if err == nil {
		err = b.out.Flush()
	}
	return b.totals, errors.Join(err, z.Close())
}

type writer struct {
	out    *bufio.Writer
	text   bytes.Buffer // of a line
	sum    hash.Hash
	totals Totals
}

func (b *writer) all(ctx context.Context, from Source, dbs []store.DBName) error {
	for _, db := range dbs {
		security, err := from.Security(ctx, db)
		if err != nil {
			return fmt.Errorf("back up %s: %w", db, err)
		}
		if err := b.write(line{Database: db, Security: security}); err != nil {
			return err
		}
		b.totals.Databases++
		for doc, err := range from.LeafDocs(ctx, db) {
			if err != nil {
				return fmt.Errorf("back up %s: %w", db, err)
			}
			if err := b.write(line{Doc: doc}); err != nil {
				return err
			}
			b.totals.Docs++
		}
	}
	b.totals.SHA256 = hex.EncodeToString(b.sum.Sum(nil))
	return b.write(line{End: &b.totals})
}

func (b *writer) write(l line) error {
	b.text.Reset()
	enc := json.NewEncoder(&b.text)
	enc.SetEscapeHTML(false) // docs stay as they are
	if err := enc.Encode(l); err != nil {
		return err
	}
	_, _ = b.sum.Write(b.text.Bytes()) // it never fails
	_, err := b.out.Write(b.text.Bytes())
	return err
}

// maxLine bounds a line: a doc with its attachments.
const maxLine = 1 << 30

// read calls fn for each line but the last, and checks that the file is whole. What fn has seen before an error is of no worth.
func read(r io.Reader, fn func(l *line) error) (Totals, error) {
	in := bufio.NewReader(r)
	head, err := in.ReadString('\n')
	number, isBackup := strings.CutPrefix(strings.TrimSuffix(head, "\n"), magic)
	v, notNumber := strconv.Atoi(number)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return Totals{}, err
	case err != nil || !isBackup || notNumber != nil:
		return Totals{}, store.NewError(store.KindCorrupt, "this is no backup of logctl")
	case v > version:
		return Totals{}, store.NewError(store.KindNewerFormat, fmt.Sprintf("the backup has format %d; this logctl knows formats up to %d", v, version))
	}
	z, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(maxLine))
	if err != nil {
		return Totals{}, err
	}
	defer z.Close()
	lines, sum := bufio.NewReaderSize(z, 1<<16), sha256.New()
	var seen Totals
	for {
		text, err := readLine(lines)
		if err != nil {
			return Totals{}, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return Totals{}, damaged(err)
		}
		if l.End != nil {
			if seen.SHA256 = hex.EncodeToString(sum.Sum(nil)); *l.End != seen {
				return Totals{}, damaged(errors.New("its sum is another one"))
			}
			if _, err := lines.ReadByte(); !errors.Is(err, io.EOF) {
				return Totals{}, damaged(errors.New("something follows its end"))
			}
			return seen, nil
		}
		_, _ = sum.Write(text) // it never fails
		if l.Doc != nil {
			seen.Docs++
		} else {
			seen.Databases++
		}
		if l.Doc != nil && seen.Databases == 0 || l.Doc == nil && l.Database == "" {
			return Totals{}, damaged(errors.New("a line that is of nothing"))
		}
		if err := fn(&l); err != nil {
			return Totals{}, err
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var text []byte
	for {
		part, err := r.ReadSlice('\n')
		text = append(text, part...)
		switch {
		case err == nil:
			return text, nil
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil, damaged(errors.New("it is cut short"))
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, damaged(err)
		case len(text) > maxLine:
			return nil, damaged(errors.New("a line is too long"))
		}
	}
}

func damaged(err error) error {
	return &store.Error{Kind: store.KindCorrupt, Reason: "the backup is damaged", Err: err}
}
