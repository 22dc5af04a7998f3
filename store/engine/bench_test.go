package engine

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
	"logctl/store/ejson"
)

// banDocs are n docs as fail2ban's log makes them, with ids of their content, in the order of time, beginning with the
// from-th.
func banDocs(from, n int) []store.Doc {
	rnd := rand.New(rand.NewPCG(uint64(from), 7))
	docs := make([]store.Doc, n)
	for i := range docs {
		s := (from + i) * 7
		body := fmt.Appendf(nil, `{"date":"2017-%02d-%02d","hour":"%02d:%02d:%02d,%03d","process":"sshd","ip":"10.%d.%d.%d","machine":"server%d"}`,
			s/2419200%12+1, s/86400%28+1, s/3600%24, s/60%60, s%60, rnd.IntN(1000), rnd.IntN(8), rnd.IntN(16), rnd.IntN(16), rnd.IntN(3))
		docs[i] = store.Doc{ID: string(ejson.AppendContentID(nil, body, uint32(from+i))), Body: body}
	}
	return docs
}

func benchDB(b *testing.B) *DB {
	b.Helper()
	e, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := e.Close(); err != nil {
			b.Error(err)
		}
	})
	d, err := e.Create(context.Background(), "log_bench")
	if err != nil {
		b.Fatal(err)
	}
	return d
}

// BenchmarkWrite writes new docs, bulk docs a call, from several writers at once. One op is one doc. baseline is what a
// bare append of the docs' bytes with an fdatasync, where there is one, a call does in one file, one call at a time.
func BenchmarkWrite(b *testing.B) {
	for _, c := range []struct{ writers, bulk int }{{1, 1}, {16, 1}, {1, 1000}, {4, 1000}} {
		name := fmt.Sprintf("writers=%d/bulk=%d", c.writers, c.bulk)
		b.Run("engine/"+name, func(b *testing.B) {
			d := benchDB(b)
			run(b, c.writers, c.bulk, func(docs []store.Doc) error {
				res, err := d.Write(context.Background(), docs, WriteOptions{NewEdits: true})
				for i := range res {
					if res[i].Err != nil {
						return res[i].Err
					}
				}
				return err
			})
		})
		b.Run("baseline/"+name, func(b *testing.B) {
			f, err := vfs.Default.Create(filepath.Join(b.TempDir(), "log"), vfs.WriteCategoryUnspecified)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			var mu sync.Mutex
			var buf []byte
			run(b, c.writers, c.bulk, func(docs []store.Doc) error {
				mu.Lock()
				defer mu.Unlock()
				buf = buf[:0]
				for i := range docs {
					buf = append(append(buf, docs[i].ID...), docs[i].Body...)
				}
				if _, err := f.Write(buf); err != nil {
					return err
				}
				return f.SyncData()
			})
		})
	}
}

// BenchmarkWriteAgain writes docs that are there already, in calls of 1000: what a run over the same file costs.
func BenchmarkWriteAgain(b *testing.B) {
	d := benchDB(b)
	again := false
	write := func(docs []store.Doc) error {
		res, err := d.Write(context.Background(), docs, WriteOptions{NewEdits: true})
		for i := range res {
			if again && !store.IsKind(res[i].Err, store.KindConflict) {
				return fmt.Errorf("%s: %v", res[i].ID, res[i].Err)
			}
		}
		return err
	}
	docs := banDocs(0, max(b.N, 1000))
	for i := 0; i < len(docs); i += 1000 {
		if err := write(docs[i:min(i+1000, len(docs))]); err != nil {
			b.Fatal(err)
		}
	}
	again = true
	run(b, 1, 1000, write)
}

// BenchmarkChanges reads all docs of a database in the order of sequences; one op is one doc.
func BenchmarkChanges(b *testing.B) {
	d := benchDB(b)
	docs := banDocs(0, 200_000)
	for i := 0; i < len(docs); i += 1000 {
		if _, err := d.Write(context.Background(), docs[i:i+1000], WriteOptions{NewEdits: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		err := d.Changes(context.Background(), ChangesOptions{Bodies: true}, func(store.Change) bool {
			n++
			return n < b.N
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkOpen opens a store of 200,000 docs.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	e, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	d, err := e.Create(context.Background(), "log_bench")
	if err != nil {
		b.Fatal(err)
	}
	docs := banDocs(0, 200_000)
	for i := 0; i < len(docs); i += 1000 {
		if _, err := d.Write(context.Background(), docs[i:i+1000], WriteOptions{NewEdits: true}); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := e.Close(); err != nil {
			b.Fatal(err)
		}
		if e, err = Open(dir, Options{}); err != nil {
			b.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		b.Fatal(err)
	}
}

func run(b *testing.B, writers, bulk int, write func([]store.Doc) error) {
	b.ReportAllocs()
	docs := banDocs(0, b.N)
	cpu := cpuTime()
	b.ResetTimer()
	var next atomic.Int64
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(bulk))) - bulk
				if from >= len(docs) {
					return
				}
				if err := write(docs[from:min(from+bulk, len(docs))]); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "docs/s")
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/doc")
}

// cpuTime is what this process has used, with what it does in the background: unlike time it says the same on a busy machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
