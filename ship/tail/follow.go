package tail

import (
	"context"
	"path/filepath"
	"strings"
	"time"
)

const (
	turn       = 1 << 20         // bytes of a file before it is another's turn
	quietAfter = 1 * time.Minute // a file that was rotated and not written to since is closed; a look at its size tells of more
)

// follow reads what is new, where the kernel says that there is something, until the context ends.
func (t *Tailer) follow(ctx context.Context) error {
	rescan := time.NewTicker(t.rescan)
	defer rescan.Stop()
	var queue []*file
	push := func(files ...*file) {
		for _, f := range files {
			if f != nil && !f.ready {
				f.ready = true
				queue = append(queue, f)
			}
		}
	}
	for {
		var pause <-chan time.Time
		if t.soon {
			if wait := rescanPause - time.Since(t.looked); wait > 0 {
				pause = time.After(wait)
			} else {
				t.soon = false
				push(t.scan()...)
			}
		}
		for n := len(queue); n > 0; n-- {
			f := queue[0]
			queue = queue[1:]
			f.ready = false
			more, err := t.read(ctx, f, turn)
			if err != nil {
				return err
			}
			if more {
				push(f)
			}
		}
		if err := t.keep(ctx); err != nil {
			return err
		}
		if len(queue) > 0 || t.soon && pause == nil {
			pause = closedChannel()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-rescan.C:
			t.soon = true
			t.closeQuiet()
		case <-pause:
		case e := <-t.watcher.events:
			t.soon = t.soon || e.names
			if e.lost {
				push(t.files...)
			}
			for _, w := range e.files {
				push(t.watched(w))
			}
		}
	}
}

func closedChannel() <-chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}

// watched is the file of a watch.
func (t *Tailer) watched(watch int32) *file {
	for _, f := range t.files {
		if f.watch == watch {
			return f
		}
	}
	return nil
}

// closeQuiet closes files that rotation has put aside. A look at their sizes tells whether somebody still writes to them.
func (t *Tailer) closeQuiet() {
	for _, f := range t.files {
		if f.f != nil && f.look == t.look && isRotated(f.path) && f.scanned == 0 && time.Since(f.grown) > quietAfter {
			t.closeFile(f)
		}
	}
}

// watchDirs lets the kernel tell of new names.
func (t *Tailer) watchDirs(names []found) {
	if t.watcher == nil {
		return
	}
	for _, arg := range t.o.Paths {
		if dir := filepath.Dir(arg); !strings.ContainsAny(dir, "*?[") {
			t.watcher.watchDir(dir)
		}
		if !strings.ContainsAny(arg, "*?[") && !t.isFile[arg] {
			t.watcher.watchDir(arg) // if it is one
		}
	}
	last := ""
	for _, n := range names {
		if dir := filepath.Dir(n.path); dir != last {
			t.watcher.watchDir(dir)
			last = dir
		}
	}
}
