package backup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"logctl/store"
)

// Target is a server that is restored to; *couch.Client is one.
type Target interface {
	CreateDatabase(ctx context.Context, db store.DBName) error
	SetSecurity(ctx context.Context, db store.DBName, object json.RawMessage) error
	PutLeaves(ctx context.Context, db store.DBName, docs []json.RawMessage) error
}

// A batch of a restore ends with this many docs or bytes.
const (
	batchDocs  = 1000
	batchBytes = 4 << 20
)

// usersDB is there in every server, and is not made anew: accounts are added to it.
const usersDB store.DBName = "_users"

// Verify reads a backup to its end and tells what is in it. The error is of KindCorrupt for one that is damaged or cut short.
func Verify(r io.Reader) (dbs []store.DBName, t Totals, err error) {
	t, err = read(r, func(l *line) error {
		if l.Database != "" {
			dbs = append(dbs, l.Database)
		}
		return nil
	})
	return dbs, t, err
}

// Restore makes the databases of a backup, all or those in only, which must not be there: KindFileExists. r is a backup that Verify has
// read.
func Restore(ctx context.Context, r io.Reader, to Target, only []store.DBName) (Totals, error) {
	s := restorer{ctx: ctx, to: to, only: only}
	if _, err := read(r, s.line); err != nil {
		return s.done, err
	}
	return s.done, s.flush()
}

type restorer struct {
	ctx   context.Context
	to    Target
	only  []store.DBName
	db    store.DBName // "" for one that is left out
	batch []json.RawMessage
	bytes int
	done  Totals
}

func (s *restorer) line(l *line) error {
	if l.Database == "" {
		if s.db == "" {
			return nil
		}
		s.batch, s.bytes = append(s.batch, l.Doc), s.bytes+len(l.Doc)
		if len(s.batch) < batchDocs && s.bytes < batchBytes {
			return nil
		}
		return s.flush()
	}
	if err := s.flush(); err != nil {
		return err
	}
	if s.db = l.Database; s.only != nil && !slices.Contains(s.only, s.db) {
		s.db = ""
		return nil
	}
	err := s.to.CreateDatabase(s.ctx, s.db)
	if err == nil || s.db == usersDB && store.IsKind(err, store.KindFileExists) {
		err = s.to.SetSecurity(s.ctx, s.db, l.Security)
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", s.db, err)
	}
	s.done.Databases++
	return nil
}

func (s *restorer) flush() error {
	if len(s.batch) == 0 {
		return nil
	}
	if err := s.to.PutLeaves(s.ctx, s.db, s.batch); err != nil {
		return fmt.Errorf("restore %s: %w", s.db, err)
	}
	s.done.Docs += len(s.batch)
	s.batch, s.bytes = nil, 0
	return nil
}
