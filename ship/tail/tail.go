package tail

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"logctl/internal/lines"
	"logctl/ship/source"
)

// Options say what is read. The zero Options read nothing.
type Options struct {
	Paths   []string // files, patterns, and directories, which mean the files in them
	Follow  bool     // until the context ends
	MaxLine int      // bytes; 0 means lines.DefaultMax
	// MayBeNone says that a pattern without a file is no problem in a run that ends: who removes files leaves none behind.
	MayBeNone bool
	// LeaveOut, where set, tells of files that are not to be read, with the reason.
	LeaveOut func(fs.FileInfo) string
	Problem  func(error)  // told of each file that can't be read, and why, once; nil: nobody is
	Note     func(string) // told of what is not read for a reason
}

const (
	rescanEvery = 10 * time.Second
	rescanPause = 20 * time.Millisecond // between two looks that the kernel calls for
	// finishedAfter is how long a plain file must not have been written to for its last line to count as finished without
	// a line end. Within a day a program that writes in blocks may still add the other half.
	finishedAfter = 24 * time.Hour
	// copyTime is how long after its last change a file without dates may still be a copy in the making of one that is there.
	copyTime = 10 * time.Second
	// rememberGone is for how long a text is known that no file has any more.
	// lostTime is for how long a file without a name is kept open: whoever writes to it may not have noticed.
	lostTime     = 10 * time.Minute
	rememberGone = 7 * 24 * time.Hour
	bufferSize   = 256 << 10
)

// Tailer is a source.Source.
type Tailer struct {
	o    Options
	sink source.Sink

	texts   []*text
	next    uint64 // number of a text
	files   []*file
	byNode  map[node]*file
	isFile  map[string]bool // of Paths: it was a file, or a pattern that some matched
	look    int             // which look at the names this is
	looked  time.Time
	buf     []byte
	lines   []source.Line
	marks   []source.Mark // of texts that are forgotten
	said    map[string]string
	watcher *watcher      // nil without Follow
	soon    bool          // names may have changed
	rescan  time.Duration // looks at all files without being told

	size       atomic.Int64
	unfinished atomic.Int64
}

// file is one that is there.
type file struct {
	id      fileID
	path    string // where it was seen last
	f       *os.File
	text    *text // nil: not known yet
	origin  *source.Origin
	look    int   // in which it was seen last
	scanned int64 // bytes behind the position that hold no line end
	judged  bool  // it had a line when it got its text
	part    bool  // it has only a beginning of its text yet, and may be a copy in the making
	sibling bool  // not named by Paths: rotation has made it of one that is
	packed  bool
	failed  int64 // size at which it could not be read, so that it is tried again only when it has changed; 0: it could
	seen    fs.FileInfo
	ready   bool      // in a queue
	grown   time.Time // it had something new last
	lost    time.Time // it has lost its name
	watch   int32     // of inotify, 0 for none
	spelt   spelling
}

// log is the log that the file is, or that rotation has made it of.
func (f *file) log() string { return f.spelt.of(f.path).log }

// age orders the files of a log, see rotation.
func (f *file) age() int { return f.spelt.of(f.path).age }

// New makes a Tailer. A pattern that is none gives filepath.ErrBadPattern.
func New(o Options) (*Tailer, error) {
	for _, p := range o.Paths {
		if _, err := os.Lstat(p); err == nil {
			continue
		}
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, fmt.Errorf("pattern %q: %w", p, err)
		}
	}
	if o.MaxLine <= 0 {
		o.MaxLine = lines.DefaultMax
	}
	if o.Problem == nil {
		o.Problem = func(error) {}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	return &Tailer{o: o, said: map[string]string{}, byNode: map[node]*file{}, isFile: map[string]bool{}, rescan: rescanEvery}, nil
}

// Size is how many bytes the files had that were not read before; 0 before Run. It may be called while Run runs.
func (t *Tailer) Size() int64 { return t.size.Load() }

// Unfinished is how many last lines without an end wait for it.
func (t *Tailer) Unfinished() int { return int(t.unfinished.Load()) }

// Run is source.Source's.
func (t *Tailer) Run(ctx context.Context, kept source.Positions, sink source.Sink) (err error) {
	t.sink = sink
	t.buf = make([]byte, bufferSize)
	defer t.close()
	if t.texts, t.next, err = load(kept); err != nil {
		return err
	}
	if t.o.Follow {
		if t.watcher, err = newWatcher(); err != nil {
			return fmt.Errorf("ask the kernel to tell of changed files: %w", err)
		}
	}
	if err := t.catchUp(ctx); err != nil {
		return err
	}
	if !t.o.Follow {
		return t.keep(ctx)
	}
	return t.follow(ctx)
}

// catchUp reads what is there.
func (t *Tailer) catchUp(ctx context.Context) error {
	for look := range maxLooks {
		t.soon = false
		files := t.scan()
		if look < maxLooks-1 && (t.soon || !t.steady()) {
			continue
		}
		if err := t.readAll(ctx, files); err != nil {
			return err
		}
		if !t.soon {
			break
		}
	}
	return nil
}

// maxLooks is how often the files are looked at again because names changed in between.
const maxLooks = 10

// readAll reads files to their end, one after the other.
func (t *Tailer) readAll(ctx context.Context, files []*file) error {
	for _, f := range files {
		for more := true; more; {
			var err error
			if more, err = t.read(ctx, f, 1<<62); err != nil {
				return err
			}
		}
		if !t.o.Follow {
			t.unfinished.Add(int64(b2i(f.scanned > 0)))
			t.closeFile(f)
		}
	}
	return t.keep(ctx)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keep gives the sink what has changed of texts without new lines.
func (t *Tailer) keep(ctx context.Context) error {
	marks := t.marks
	for _, x := range t.texts {
		if x.changed {
			marks = x.marks(marks)
		}
	}
	if len(marks) == 0 {
		return nil
	}
	if err := t.sink.Take(ctx, source.Chunk{Marks: marks}); err != nil {
		return err
	}
	for _, x := range t.texts {
		x.changed = false
	}
	t.marks = nil
	return nil
}

// problem tells what is wrong with a path, unless that has been told.
func (t *Tailer) problem(path string, err error) {
	if text := err.Error(); t.said[path] != text {
		t.said[path] = text
		t.o.Problem(err)
	}
}

func (t *Tailer) note(path, text string) {
	if t.said[path] != text {
		t.said[path] = text
		t.o.Note(text)
	}
}

func (t *Tailer) close() {
	for _, f := range t.files {
		t.closeFile(f)
	}
	if t.watcher != nil {
		t.watcher.close()
	}
}

// closeFile closes a file that stays known.
func (t *Tailer) closeFile(f *file) {
	if f.f != nil {
		f.f.Close()
		f.f = nil
	}
	if t.watcher != nil && f.watch != 0 {
		t.watcher.unwatch(f.watch)
		f.watch = 0
	}
}

// newText gives a file a text of its own.
func (t *Tailer) newText(f *file) {
	x := &text{number: t.next, identity: identity{Path: absolute(f.path), fileID: f.id}, changed: true,
		place: place{Written: f.seen.ModTime().UnixNano()}}
	t.next++
	t.texts = append(t.texts, x)
	t.attach(f, x)
}

// attach says that a file has a text.
func (t *Tailer) attach(f *file, x *text) {
	t.detach(f)
	f.text, f.scanned, f.origin = x, 0, nil
	if x.files++; x.files == 1 {
		t.moved(f)
	}
}

// moved notes where a file, and so its text, is now.
func (t *Tailer) moved(f *file) {
	x := f.text
	path := absolute(f.path)
	if x.Path != path || x.fileID != f.id || x.Gone != 0 {
		x.Path, x.fileID, x.Gone, x.changed = path, f.id, 0, true
	}
}

// detach says that a file does not have its text any more.
func (t *Tailer) detach(f *file) {
	x := f.text
	if x == nil {
		return
	}
	x.files--
	f.text = nil
	for _, other := range t.files {
		if other.text == x && other.id != f.id {
			t.moved(other)
			return
		}
	}
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}
