// Package storebench measures a server that speaks CouchDB's API, whichever it is, by what a store of logs is asked to do:
// take docs one by one and in bulk, build the views of the reports, answer their questions, and take little room.
//
// The client costs as little as it can, because it mostly shares the machine with the server: requests are bytes made before
// the clock starts, sent over connections of its own, and answers are read without being decoded. Only the two reports are
// asked for as `logctl report` does it, client included.
//
// All is done in databases of its own, whose names begin with log_bench_ and which are deleted afterwards.
package storebench

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"logctl/store"
	"logctl/store/couch"
)

// Options say what to measure and how much of it.
type Options struct {
	URL            string        // of the server's root
	User, Password string        // an admin's, "" for nobody's
	Client         *couch.Client // of the same server
	Docs           int           // in the database that is asked
	Lasting        time.Duration // of a measurement that does the same again and again; 0: 3 s
	Local          *Server       // the server, if it is ours: its memory, disk and start are measured too
	Progress       func(string)  // told what is being measured
}

// Measure is one figure. Two runs have the same names for the same things.
type Measure struct {
	Name  string
	Value float64
	Unit  string
}

// bench is one run.
type bench struct {
	Options
	target   target
	docs     *docSource
	measures []Measure
}

func (b *bench) add(name string, value float64, unit string) {
	b.measures = append(b.measures, Measure{Name: name, Value: value, Unit: unit})
}

// Run measures a server. It leaves nothing behind there, whether it comes to an end or not. With an error come the measures before it.
func Run(ctx context.Context, o Options) (_ []Measure, err error) {
	if o.Lasting == 0 {
		o.Lasting = 3 * time.Second
	}
	b := &bench{Options: o, docs: newDocSource(o.Docs)}
	if b.target, err = newTarget(o.URL, o.User, o.Password); err != nil {
		return nil, err
	}
	b.add("docs", float64(o.Docs), "docs")
	if o.Local != nil {
		err = errors.Join(b.memory("memory after the start"), b.bareSyncs())
	}
	if err != nil {
		return nil, err
	}
	if err = b.inDatabase(ctx, b.fill); err == nil {
		err = b.inDatabase(ctx, b.writes)
	}
	return b.measures, err
}

// inDatabase runs do with a new database and deletes that afterwards.
func (b *bench) inDatabase(ctx context.Context, do func(ctx context.Context, db store.DBName) error) (err error) {
	var random [4]byte
	rand.Read(random[:])
	db := store.DBName("log_bench_" + hex.EncodeToString(random[:]))
	if err := b.Client.CreateDatabase(ctx, db); err != nil {
		return fmt.Errorf("make the database %s: %w", db, err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, b.Client.DropDatabase(ctx, db))
	}()
	return do(ctx, db)
}

// fill measures what grows with the docs: bulks over several connections, views and questions, disk and memory.
func (b *bench) fill(ctx context.Context, db store.DBName) error {
	if err := b.bulks(ctx, db, 4, b.Docs); err != nil {
		return err
	}
	if b.Local != nil {
		if err := b.memory("memory after bulks, and its peak"); err != nil {
			return err
		}
		if err := b.restarts(ctx); err != nil {
			return err
		}
	}
	if err := b.settled(ctx, db, "docs"); err != nil {
		return err
	}
	if err := b.views(ctx, db); err != nil {
		return err
	}
	if err := b.settled(ctx, db, "docs and the reports' views"); err != nil {
		return err
	}
	if err := b.questions(ctx, db); err != nil {
		return err
	}
	if b.Local == nil {
		return nil
	}
	return b.idleMemory(ctx)
}

// writes measures the other ways to write, of which one is as good as another whatever is there already.
func (b *bench) writes(ctx context.Context, db store.DBName) error {
	if err := b.bulks(ctx, db, 1, b.Docs); err != nil {
		return err
	}
	for _, connections := range []int{1, 16} {
		if err := b.posts(ctx, db, connections); err != nil {
			return err
		}
	}
	return nil
}
