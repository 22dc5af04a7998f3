package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// start opens Pebble and reads what the engine keeps in memory. Pebble writes when it is opened: it flushes the log of the
// last run and waits for that, and on a disk without room would try for ever. So errors are kept from it from the first
// operation on (see disk), and who opens the store is told of them at once.
func (e *Engine) start(sub string, o Options) error {
	e.disk.run()
	done := make(chan error, 1)
	go func() { done <- e.startPebble(sub, o) }()
	for {
		select {
		case err := <-done:
			return err
		case <-e.disk.troubled():
			if err := e.disk.trouble(); err != nil {
				e.disk.abandon()
				// Pebble, which hangs in a file operation for ever, has the directory locked once more.
				return errors.Join(err, e.lock.Close())
			}
		}
	}
}

func (e *Engine) startPebble(sub string, o Options) error {
	if err := e.dropOptions(sub); err != nil {
		return unreadable(fmt.Errorf("open %s: %w", sub, err))
	}
	e.cache = pebble.NewCache(o.CacheSize + memTables*memTableSize) // Pebble takes memtables out of it
	defer e.cache.Unref()
	pdb, err := pebble.Open(sub, pebbleOptions(o, e.disk, e.lock, e.cache))
	if err != nil {
		if pebble.IsCorruptionError(err) {
			return errCorrupt(err)
		}
		return unreadable(fmt.Errorf("open %s: %w", sub, err))
	}
	e.pdb = pdb
	if err := e.load(); err != nil {
		e.disk.pass()
		return errors.Join(err, pdb.Close())
	}
	return nil
}

// dropOptions removes what Pebble has written of its options. It would read that, which has no checksum, and refuse the store over a
// byte that is damaged there, for nothing: what a store of ours is written with follows from its version, and Pebble writes the
// options anew.
func (e *Engine) dropOptions(sub string) error {
	names, err := e.disk.List(sub)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, optionsPrefix) {
			if err := e.disk.Remove(e.disk.PathJoin(sub, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// optionsPrefix begins the names of Pebble's OPTIONS files.
const optionsPrefix = "OPTIONS-"
