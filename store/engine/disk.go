package engine

import (
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"logctl/store"
)

// diskState says what becomes of a file operation that fails.
type diskState uint8

const (
	diskPassing   diskState = iota // opening and closing: Pebble gets the error
	diskRunning                    // see disk
	diskFull                       // as running; some operation waits for room
	diskFailed                     // an operation failed for good; every change of a file is stopped for ever
	diskAbandoned                  // as failed; the engine was closed
)

// roomEvery is how often an operation that found no room is tried again.
const roomEvery = 100 * time.Millisecond

// disk stands between Pebble and the file system and keeps write errors from it while the engine runs. Pebble can't
// survive one: an error of the log ends in a panic under locks that nobody can release, one of the manifest in
// Logger.Fatalf, one of a table in a loop that tries without a pause. So an operation that finds no room is tried again
// until there is room, and one that fails in another way stops for ever, with its goroutine; the engine is told of both
// and answers its callers. Reads pass.
type disk struct {
	vfs.FS
	log func(msg string, err error)

	mu      sync.Mutex
	state   diskState
	err     error         // why it is full or failed
	waiting int           // operations that wait for room
	bad     chan struct{} // closed while state is full, failed or abandoned
	dead    chan struct{} // closed once state is failed or abandoned
}

func newDisk(inner vfs.FS, log func(string, error)) *disk {
	return &disk{FS: inner, log: log, bad: make(chan struct{}), dead: make(chan struct{})}
}

// run starts keeping errors from Pebble.
func (d *disk) run() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state == diskPassing {
		d.state = diskRunning
	}
}

// pass stops keeping errors from Pebble, if all is well, and reports whether it is. After it only a clean close may follow.
func (d *disk) pass() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.state != diskRunning && d.state != diskPassing {
		return false
	}
	d.state = diskPassing
	return true
}

// abandon stops every change of a file, now and for ever.
func (d *disk) abandon() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.worsen(diskAbandoned, errClosed())
}

// fail notes that the store can't be written any more.
func (d *disk) fail(err error) {
	d.mu.Lock()
	first := d.state < diskFailed
	d.worsen(diskFailed, &store.Error{Kind: store.KindUnavailable, Reason: "The store can't be written.", Err: err})
	d.mu.Unlock()
	if first {
		d.log("disk_failed", err)
	}
}

// worsen sets a bad state, not a better one than there is. mu is held.
func (d *disk) worsen(s diskState, err error) {
	if d.state >= s {
		return
	}
	if d.state < diskFull {
		close(d.bad)
	}
	if d.state < diskFailed && s >= diskFailed {
		close(d.dead)
	}
	d.state, d.err = s, err
}

// troubled is closed while writes can't get to disk.
func (d *disk) troubled() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bad
}

// ended is closed once no write will ever get to disk again.
func (d *disk) ended() <-chan struct{} { return d.dead }

// trouble is why writes can't get to disk, nil if they can.
func (d *disk) trouble() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.err
}

// change runs an operation that changes files until it succeeds, fails in a way that is Pebble's business, or for ever.
func (d *disk) change(op func() error) error {
	if d.stopped() {
		select {}
	}
	err := op()
	if err == nil || !d.keeps(err) {
		return err
	}
	if store.IsDiskFull(err) {
		d.lackRoom(err)
		for store.IsDiskFull(err) {
			<-time.After(roomEvery)
			if d.stopped() {
				select {}
			}
			err = op()
		}
		if err == nil {
			d.gotRoom()
			return nil
		}
	}
	d.fail(err)
	select {}
}

// settle runs an operation after whose failure nobody can know what is on disk, so that trying again proves nothing.
func (d *disk) settle(op func() error) error {
	if d.stopped() {
		select {}
	}
	err := op()
	if err == nil || !d.keeps(err) {
		return err
	}
	d.fail(err)
	select {}
}

func (d *disk) stopped() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state >= diskFailed
}

// keeps tells whether Pebble must not see err.
func (d *disk) keeps(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state != diskPassing && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist)
}

// lackRoom notes that an operation waits for room.
func (d *disk) lackRoom(err error) {
	d.mu.Lock()
	first := d.state < diskFull
	d.worsen(diskFull, &store.Error{Kind: store.KindNoSpace, Reason: "No space left for the store.", Err: err})
	d.waiting++
	d.mu.Unlock()
	if first {
		d.log("disk_full", err)
	}
}

// gotRoom notes that an operation that had waited for room is done. When none waits any more, writes are welcome again.
func (d *disk) gotRoom() {
	d.mu.Lock()
	d.waiting--
	well := d.state == diskFull && d.waiting == 0
	if well {
		d.state, d.err = diskRunning, nil
		d.bad = make(chan struct{})
	}
	d.mu.Unlock()
	if well {
		d.log("disk_has_room", nil)
	}
}
