package tail

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// watcher is told by the kernel what has changed (inotify).
type watcher struct {
	events chan changes
	f      *os.File
	fd     int
	dirs   map[string]int32
	isDir  sync.Map // int32 → struct{}
	end    chan struct{}
	group  sync.WaitGroup
}

// changes are what the kernel has told at a time.
type changes struct {
	files []int32 // watches of files that were written to
	names bool    // something was made, renamed or removed
	lost  bool    // the kernel had more to tell than it had room for
}

const (
	fileEvents = unix.IN_MODIFY | unix.IN_MOVE_SELF | unix.IN_ATTRIB
	dirEvents  = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE | unix.IN_ONLYDIR
)

func newWatcher() (*watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, err
	}
	w := &watcher{events: make(chan changes), f: os.NewFile(uintptr(fd), "inotify"), fd: fd, dirs: map[string]int32{}, end: make(chan struct{})}
	w.group.Go(w.run)
	return w, nil
}

// watchFile watches an open file, whatever its name; 0: the kernel has no room, and only a look at all files tells.
func (w *watcher) watchFile(f *os.File) int32 {
	wd, err := unix.InotifyAddWatch(w.fd, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), fileEvents)
	if err != nil {
		return 0
	}
	return int32(wd)
}

// watchDir watches a directory, once.
func (w *watcher) watchDir(path string) {
	wd, err := unix.InotifyAddWatch(w.fd, path, dirEvents)
	if err != nil {
		delete(w.dirs, path) // it is no directory, or not there yet; a look at all files tells
		return
	}
	w.dirs[path] = int32(wd)
	w.isDir.Store(int32(wd), struct{}{})
}

func (w *watcher) unwatch(wd int32) {
	_, _ = unix.InotifyRmWatch(w.fd, uint32(wd)) // it is gone with its file, or now
}

// run reads what the kernel tells.
func (w *watcher) run() {
	buf := make([]byte, 64<<10)
	for {
		n, err := w.f.Read(buf)
		if err != nil {
			return // closed
		}
		var c changes
		for b := buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			size := int(binary.NativeEndian.Uint32(b[12:]))
			b = b[unix.SizeofInotifyEvent+size:]
			c.add(wd, mask, w)
		}
		select {
		case w.events <- c:
		case <-w.end:
			return
		}
	}
}

func (c *changes) add(wd int32, mask uint32, w *watcher) {
	_, dir := w.isDir.Load(wd)
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		c.lost, c.names = true, true
	case mask&unix.IN_IGNORED != 0:
		w.isDir.Delete(wd)
	case dir:
		c.names = true
	default:
		c.names = c.names || mask&^unix.IN_MODIFY != 0
		if n := len(c.files); n == 0 || c.files[n-1] != wd {
			c.files = append(c.files, wd)
		}
	}
}

func (w *watcher) close() {
	close(w.end)
	w.f.Close()
	w.group.Wait()
}
