package storebench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"logctl/store"
)

// settled measures the bytes on disk a doc once they no longer change.
func (b *bench) settled(ctx context.Context, db store.DBName, what string) error {
	name := "bytes on disk a doc, " + what
	b.Progress(name)
	w, err := b.target.dial(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	for _, path := range []string{"/_compact", "/_compact/report"} {
		status, body, err := w.do(b.target.request(http.MethodPost, "/"+string(db)+path, []byte("{}")))
		if err == nil && status != http.StatusNotFound { // there is no such design document yet
			err = answered(status, http.StatusAccepted, body)
		}
		if err != nil {
			return fmt.Errorf("compact: %w", err)
		}
	}
	const atMost = 90 * time.Second
	var size int64
	for begin, changed := time.Now(), time.Now(); time.Since(changed) < b.Lasting && time.Since(begin) < atMost; {
		now, err := b.diskSize(w, db)
		if err != nil {
			return err
		}
		if now != size {
			size, changed = now, time.Now()
		}
		select {
		case <-time.After(b.Lasting / 10):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.add(name, float64(size)/float64(b.Docs), "bytes")
	return nil
}

// diskSize is what the data directory takes if the server is ours, else what the server says of the database and of the views of
// the reports.
func (b *bench) diskSize(w *wire, db store.DBName) (int64, error) {
	if b.Local != nil {
		return usage(filepath.Join(b.Local.dir, "store"))
	}
	var total int64
	for _, path := range []string{"", "/_design/report/_info"} {
		status, body, err := w.do(b.target.request(http.MethodGet, "/"+string(db)+path, nil))
		if err != nil {
			return 0, err
		}
		if path != "" && status == http.StatusNotFound {
			continue
		}
		var said struct {
			Sizes struct{ File int64 }
			Index struct{ Sizes struct{ File int64 } } `json:"view_index"`
		}
		if err := json.Unmarshal(body, &said); err != nil {
			return 0, fmt.Errorf("size of the database: %w", answered(status, http.StatusOK, body))
		}
		total += said.Sizes.File + said.Index.Sizes.File
	}
	return total, nil
}

// usage is what the files below dir take on their disk.
func usage(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return ignoreMissing(err)
		}
		info, err := e.Info()
		if err == nil {
			total += occupied(info)
		}
		return ignoreMissing(err)
	})
	return total, err
}

// ignoreMissing passes over a file that was removed while it was looked at.
func ignoreMissing(err error) error {
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

// memory measures what the server holds in memory, and the most that it has held since the last time. What is its own is told beside:
// the rest are pages of the program's file that the system has mapped, more or fewer of them by how it came to read that file.
func (b *bench) memory(name string) error {
	m, err := b.Local.memory()
	if os.IsNotExist(err) {
		return nil // this system does not tell
	}
	if err != nil {
		return fmt.Errorf("memory of the server: %w", err)
	}
	b.add(name+": resident", m.now, "MB")
	b.add(name+": resident, its own", m.own, "MB")
	b.add(name+": peak", m.peak, "MB")
	return nil
}

// meter measures from now on. What it gives adds the time on processors that a doc took the server: what it costs, however busy
// the machine is with other things.
func (b *bench) meter() (add func(name string, docs int64) error) {
	none := func(string, int64) error { return nil }
	if b.Local == nil {
		return none
	}
	before, err := b.Local.processor()
	if err != nil {
		return none // this system does not tell
	}
	return func(name string, docs int64) error {
		after, err := b.Local.processor()
		if err == nil {
			b.add(name+": server's processor time a doc", float64((after-before).Nanoseconds())/1000/float64(docs), "µs")
		}
		return err
	}
}

// idleMemory measures the memory of a server that has had nothing to do for a while.
func (b *bench) idleMemory(ctx context.Context) error {
	b.Progress("memory when idle")
	select {
	case <-time.After(8 * b.Lasting):
	case <-ctx.Done():
		return ctx.Err()
	}
	return b.memory("memory when idle, and peak of views and questions")
}

// restarts measures how long the server takes until it answers, after a clean end and after a kill.
func (b *bench) restarts(ctx context.Context) error {
	for _, c := range []struct {
		name string
		kill bool
	}{{"start after a kill", true}, {"start after a clean end", false}} {
		b.Progress(c.name)
		took, err := b.Local.restart(ctx, c.kill)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		b.add(c.name, milliseconds(took), "ms")
	}
	return nil
}

// bareSyncs measures the disk: how often a second a small append gets there, one at a time.
func (b *bench) bareSyncs() error {
	f, err := os.CreateTemp(b.Local.dir, "bare-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	line := make([]byte, 128)
	n := 0
	start := time.Now()
	for ; time.Since(start) < b.Lasting/3; n++ {
		if _, err := f.Write(line); err != nil {
			return err
		}
		if err := syncData(f); err != nil {
			return err
		}
	}
	b.add("bare appends of 128 bytes, each synced", float64(n)/time.Since(start).Seconds(), "appends/s")
	return nil
}
