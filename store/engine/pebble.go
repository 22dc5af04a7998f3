package engine

import (
	"fmt"
	"log/slog"
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
)

const (
	defaultCache = 16 << 20
	// Pebble keeps the memtable that it writes to and one more to write to next, both in memory until Release.
	memTableSize = 4 << 20
	// memTables bounds the memtables, with those that wait for their flush, and so the memory under load.
	memTables    = 6
	l0BlockLen   = 16 << 10
	blockLen     = 32 << 10
	PebbleMemory = defaultCache + memTables*memTableSize // bytes for blocks and memtables: with cgo C's, else of Go's heap
)

// pebbleOptions are Pebble's for a store of many small docs that come mostly in the order of their ids.
func pebbleOptions(o Options, d *disk, lock *pebble.Lock, cache *pebble.Cache) *pebble.Options {
	logger := &pebbleLogger{log: o.Log, disk: d}
	filter := idFilter{bloom.FilterPolicy(10)}
	opts := &pebble.Options{
		FS:                          d,
		Lock:                        lock,
		Cache:                       cache,
		Cleaner:                     cleaner{},
		Comparer:                    pebble.DefaultComparer,
		FormatMajorVersion:          pebble.FormatTableFormatV6,
		Filters:                     map[string]pebble.FilterPolicy{filter.Name(): filter},
		L0CompactionThreshold:       8,
		L0CompactionFileThreshold:   64,
		L0StopWritesThreshold:       32,
		LBaseMaxBytes:               64 << 20,
		Logger:                      logger,
		MaxOpenFiles:                1000,
		MemTableSize:                memTableSize,
		MemTableStopWritesThreshold: memTables,
		CompactionConcurrencyRange:  func() (int, int) { return 1, max(1, runtime.GOMAXPROCS(0)/2) },
		EventListener: &pebble.EventListener{
			BackgroundError: func(err error) { o.Log.Error("store_background_error", "error", err) },
			DataCorruption: func(i pebble.DataCorruptionInfo) {
				o.Log.Error("store_damaged", "path", i.Path, "details", fmt.Sprint(i.Details))
			},
			WriteStallBegin: func(i pebble.WriteStallBeginInfo) { o.Log.Debug("store_write_stall", "reason", i.Reason) },
		},
	}
	opts.Experimental.SpanPolicyFunc = spanPolicy
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings { return pebble.DBCompressionGood })
	for i := range opts.Levels {
		l := &opts.Levels[i]
		l.FilterPolicy = filter
		l.BlockSize, l.IndexBlockSize = blockLen, blockLen
		if i == 0 {
			l.BlockSize = l0BlockLen
		}
	}
	return opts
}

// spanPolicy ends tables where a sub-space of a database ends. Without it each table of the top level holds the newest
// docs by id and by sequence and so overlaps with all others; with it what comes in order is never merged again.
//
// The end must be greater than start, whatever start is. What begins at a database's bare prefix is the deletion of all of
// it, which is not cut up: a store from which many databases were deleted would be all tables of one such piece each.
func spanPolicy(start []byte) (pebble.SpanPolicy, []byte, error) {
	const number = prefixLen - 1
	switch {
	case len(start) == 0 || start[0] < spaceDB:
		return pebble.SpanPolicy{}, []byte{spaceDB}, nil
	case start[0] > spaceDB || len(start) < number:
		return pebble.SpanPolicy{}, nil, nil
	}
	for _, sub := range [...]byte{subByID, subSpans, subBySeq, subBodies, subChunks, subRows} {
		if len(start) > number && start[number] < sub {
			return pebble.SpanPolicy{}, append(append([]byte(nil), start[:number]...), sub), nil
		}
	}
	return pebble.SpanPolicy{}, successor(start[:number]), nil
}

// cleaner removes logs that are no longer needed, which Pebble otherwise keeps to write over them: that saves nothing here, and
// takes the room of four logs. Pebble leaves a file alone until it is removed if the cleaner is like its archiving one; that one
// lies deeper here, so that what removes is the other's.
type cleaner struct {
	pebble.DeleteCleaner
	archiving
}

type archiving struct{ pebble.ArchiveCleaner }

// idFilter keeps Bloom filters for the by-id keys alone: the others are not asked for unless they are there.
type idFilter struct{ bloom bloom.FilterPolicy }

func isByID(key []byte) bool {
	return len(key) >= prefixLen && key[0] == spaceDB && key[prefixLen-1] == subByID
}

func (f idFilter) Name() string { return "logctl.ids." + f.bloom.Name() }

func (f idFilter) MayContain(t pebble.FilterType, filter, key []byte) bool {
	return !isByID(key) || f.bloom.MayContain(t, filter, key)
}

func (f idFilter) NewWriter(t pebble.FilterType) sstable.FilterWriter {
	return idFilterWriter{f.bloom.NewWriter(t)}
}

type idFilterWriter struct{ sstable.FilterWriter }

func (w idFilterWriter) AddKey(key []byte) {
	if isByID(key) {
		w.FilterWriter.AddKey(key)
	}
}

// pebbleLogger takes what Pebble says. Its Fatalf doesn't end the process: it ends writing.
type pebbleLogger struct {
	log  *slog.Logger
	disk *disk
}

func (l *pebbleLogger) Infof(format string, args ...any) {}

func (l *pebbleLogger) Errorf(format string, args ...any) {
	l.log.Error("store_error", "error", fmt.Sprintf(format, args...))
}

func (l *pebbleLogger) Fatalf(format string, args ...any) {
	l.disk.fail(fmt.Errorf(format, args...))
}
