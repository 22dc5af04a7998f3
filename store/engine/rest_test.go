package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
	"unsafe"

	"github.com/cockroachdb/pebble/v2"

	"logctl/store"
)

// TestMemoryAtRest: of the memtables, which stay when what they held is in tables, there are two small ones, and those have no
// memory of the system's once they are given up.
func TestMemoryAtRest(t *testing.T) {
	t.Parallel()
	d := newDB(t, Options{})
	fill := func() {
		random := rand.NewChaCha8([32]byte{})
		text := make([]byte, 512<<10) // in hex a doc of 1 MiB
		for i := range 24 {
			random.Read(text)
			mustPut(t, d, store.Doc{ID: fmt.Sprint(i, time.Now()), Body: fmt.Appendf(nil, `{"text":"%x"}`, text)})
		}
		for begin := time.Now(); !d.e.tidy.flushed.Load(); time.Sleep(10 * time.Millisecond) {
			if time.Since(begin) > time.Minute {
				t.Fatal("the store does not make itself tidy")
			}
		}
		m := d.e.pdb.Metrics().MemTable
		if m.ZombieCount == 0 {
			t.Error("no memtable was full")
		}
		if size := m.Size + m.ZombieSize; size > 8<<20 {
			t.Errorf("memtables take %d MiB", size>>20)
		}
		if n := touched(d.e.pdb); n < memTableSize/2 {
			t.Errorf("only %d KiB of memtables were written to", n>>10)
		}
	}
	for range 2 {
		fill()
		d.e.Release(t.Context())
		if n := touched(d.e.pdb); n > 64<<10 {
			t.Errorf("%d KiB of memtables were written to", n>>10)
		}
	}
	before := d.e.pdb.Metrics().Flush.Count
	d.e.Release(t.Context())
	if n := d.e.pdb.Metrics().Flush.Count - before; n != 0 {
		t.Errorf("%d flushes when there is nothing to give up", n)
	}
	sound(t, d)
}

// touched is how many bytes Pebble's two memtables have in pages that are not as the system gives them. Nothing of Pebble's tells.
func touched(db *pebble.DB) (n int) {
	p := reflect.ValueOf(db).Elem()
	writing := p.FieldByName("mu").FieldByName("mem").FieldByName("mutable").Elem()
	next := reflect.NewAt(writing.Type(), p.FieldByName("memTableRecycle").FieldByName("v").UnsafePointer()).Elem()
	const page = 4 << 10
	for _, table := range []reflect.Value{writing, next} {
		buf := table.FieldByName("arenaBuf")
		all := unsafe.Slice((*byte)(buf.FieldByName("data").UnsafePointer()), buf.FieldByName("n").Uint())
		for ; len(all) >= page; all = all[page:] {
			if !bytes.Equal(all[:page], make([]byte, page)) {
				n += page
			}
		}
	}
	return n
}
