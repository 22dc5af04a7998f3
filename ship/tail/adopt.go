package tail

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"logctl/internal/lines"
)

// node is a file's number, which is used again when the file is gone.
type node struct{ dev, ino uint64 }

// open opens a file that is not known, and finds the text that it had when it was read last.
func (t *Tailer) open(n found) *file {
	f := &file{path: n.path, sibling: n.sibling, seen: n.info, id: n.id, grown: n.info.ModTime()}
	if x := t.unchanged(n); x != nil {
		f.id, f.packed = x.fileID, x.Packed > 0
		t.know(f)
		t.attach(f, x)
		return f
	}
	if !t.reopen(f) {
		return nil
	}
	t.know(f)
	for _, x := range t.texts {
		// Where nothing was read of a text, it is not known.
		if x.files == 0 && x.fileID.same(f.id) && x.Packed == 0 && (x.At > 0 || f.seen.Size() == 0) && t.has(f, x) {
			t.attach(f, x)
			break
		}
	}
	return f
}

func (t *Tailer) know(f *file) {
	t.files = append(t.files, f)
	t.byNode[node{f.id.Dev, f.id.Ino}] = f
}

// unchanged is the text of a file that is as it was when it was read to its end, and need not be opened.
func (t *Tailer) unchanged(n found) *text {
	if t.o.Follow && !isRotated(n.path) {
		return nil
	}
	for _, x := range t.texts {
		if x.files > 0 || x.Dev != n.id.Dev || x.Ino != n.id.Ino {
			continue
		}
		if x.Written == n.info.ModTime().UnixNano() && (x.Packed == n.info.Size() || x.Packed == 0 && x.At == n.info.Size()) {
			return x
		}
	}
	return nil
}

// reopen opens a file by its name. It is false if that is not possible or the name means another file by now.
func (t *Tailer) reopen(f *file) bool {
	h, err := os.Open(f.path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			t.soon = true
		} else {
			t.problem(f.path, plainPathError(err))
		}
		return false
	}
	info, err := h.Stat()
	if err == nil && !info.Mode().IsRegular() || err == nil && (idOf(info) != fileID{Dev: f.id.Dev, Ino: f.id.Ino}) {
		t.soon = true
		h.Close()
		return false
	}
	if err != nil {
		h.Close()
		t.problem(f.path, plainPathError(err))
		return false
	}
	f.f, f.seen = h, info
	f.id.Born = born(h)
	if t.watcher != nil {
		f.watch = t.watcher.watchFile(h)
	}
	return true
}

// stillThere tells whether the file that is not open is the one that a name means.
func (f *file) stillThere(path string) bool {
	h, err := os.Open(path)
	if err != nil {
		return true // nothing tells that it is not
	}
	defer h.Close()
	b := born(h)
	return b == 0 || f.id.Born == 0 || b == f.id.Born
}

// has tells whether an open plain file still has its text. One that was cut to a beginning of it, as a loss of power may do, has:
// the lines that are gone were given out.
func (t *Tailer) has(f *file, x *text) bool {
	info, err := f.f.Stat()
	if err != nil {
		return false
	}
	switch x.compare(f.f, info.Size()) {
	case same:
		return true
	case part:
		if !x.dated() || info.Size() < x.firstLine() {
			return false
		}
		before := make([]byte, min(maxCheck, info.Size()))
		if _, err := f.f.ReadAt(before, info.Size()-int64(len(before))); err != nil && err != io.EOF {
			return false
		}
		x.At, x.Check, x.changed = info.Size(), checkOf(before), true
		x.Head = x.Head[:min(int64(len(x.Head)), x.At)]
		return true
	}
	return false
}

// adopt finds the text of a file that is new, or gives it one of its own. It is false if that has to wait.
//
// A file that begins like a text that is known is a copy of it, or the text itself moved in a way that made a new file of it, if
//   - the text is dated: no two logs begin with the same line with the same time;
//   - or it is compressed and has the name of the other, with the suffix of compressing;
//   - or its name says that rotation has made it, and no other file has the text any more: it was moved, compressed or truncated.
//
// Anything else that begins the same is a log of its own, such as one that begins with the same line whenever a program starts.
func (t *Tailer) adopt(f *file) (ready bool) {
	info, err := f.f.Stat()
	if err != nil {
		t.problem(f.path, plainPathError(err))
		return false
	}
	f.seen = info
	if info.Size() == 0 && lines.TrimPacked(f.path) != f.path {
		t.closeFile(f)
		return false // it is about to be compressed
	}
	head, packed, torn, err := t.head(f)
	fresh := t.looked.Sub(info.ModTime()) < copyTime // names are as of then, however long reading has waited since
	known := func(x *text) bool { return len(x.Head) > 0 && x.log() == f.log() }
	if (torn || err != nil) && fresh && (t.o.Follow || slices.ContainsFunc(t.texts, known)) {
		t.beingPacked(f)
		return false
	}
	if torn && len(head) == 0 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		t.damaged(f, err)
		return false
	}
	f.packed = packed
	f.judged = f.judged || packed && len(head) > 0 || len(head) == maxHead || bytes.IndexByte(head, '\n') >= 0
	if !f.judged {
		t.newText(f) // for the time being
		return true
	}
	if t.mayCopy(f, head, fresh) {
		t.soon = true
		t.putOff(f)
		return false
	}
	var best *text
	for _, x := range t.texts {
		if len(x.Head) == 0 || len(head) == 0 || !beginAlike(x.Head, head) {
			continue
		}
		// Whatever it is called, a dated text is known by so many bytes.
		if x.log() != f.log() && !(len(x.Head) == maxHead && x.dated()) {
			continue
		}
		how := t.relate(f, x, head)
		if how == other {
			continue
		}
		pair := lines.TrimPacked(f.path) != f.path || lines.TrimPacked(x.Path) != x.Path
		pair = pair && lines.TrimPacked(absolute(f.path)) == lines.TrimPacked(x.Path)
		switch {
		case x.dated() || pair, !t.named(x) && isRotated(f.path) && how == same, t.lost(f):
			if best == nil || f.closer(x, how, best) {
				best, f.part = x, how == part
			}
		case t.named(x) && isRotated(f.path) && !(t.inPlace(x) && f.inPlace() && t.inPlace(x)):
			t.soon = true // one was moved after this look had found it: they may be one text that was seen at two places
			t.putOff(f)
			return false
		case t.named(x) && isRotated(f.path) && !isRotated(x.Path) && fresh:
			t.note(f.path, fmt.Sprintf("%s is left out for now: it may be a copy of %s in the making", f.path, x.Path))
			t.closeFile(f)
			return false
		}
	}
	if best != nil {
		t.attach(f, best)
		return true
	}
	t.newText(f)
	return true
}

// mayCopy tells whether a file may be a copy of a younger one of which nothing is read since it began anew, so that that one comes
// first: it begins the same, and is a copy in the making or one of the two was moved after the last look had found it.
func (t *Tailer) mayCopy(f *file, head []byte, fresh bool) bool {
	return isRotated(f.path) && slices.ContainsFunc(t.files, func(o *file) bool {
		if o == f || o.f == nil || o.packed || o.log() != f.log() {
			return false
		}
		if o.age() > f.age() || o.age() == f.age() && !f.packed {
			return false
		}
		if fresh = fresh || !o.inPlace() || !f.inPlace() || !o.inPlace(); !fresh {
			return false
		}
		its, _, _, err := t.head(o)
		if o.text != nil && len(o.text.Head) > 0 && bytes.HasPrefix(its, o.text.Head) {
			return false
		}
		return err == nil && len(head) > 0 && bytes.IndexByte(its, '\n') >= 0 && beginAlike(its, head)
	})
}

// judgeAgain gives a file of which nothing was read a text anew, if it had no line when it got the one that it has: a copy of another
// that was only begun does not look like one. It tells whether it has done so, and whether the file can be read now.
func (t *Tailer) judgeAgain(f *file) (done, ready bool) {
	x := f.text
	if f.judged || x.At > 0 {
		return false, false
	}
	t.detach(f)
	f.scanned, f.judged = 0, true
	if x.files == 0 {
		t.marks = append(t.marks, x.forget()...)
		t.texts = slices.DeleteFunc(t.texts, func(o *text) bool { return o == x })
	}
	ready = t.adopt(f)
	t.soon = t.soon || ready && f.packed // it is none to be read as a plain one
	return true, ready && !f.packed
}

// closer tells whether a text is more likely to be the file's than the best so far.
func (f *file) closer(x *text, how relation, best *text) bool {
	bestHow := same
	if f.part {
		bestHow = part
	}
	return cmp.Or(cmp.Compare(b2i(x.log() == f.log()), b2i(best.log() == f.log())), cmp.Compare(bestHow, how),
		cmp.Compare(len(x.Head), len(best.Head)), cmp.Compare(x.At, best.At)) > 0
}

// isPart tells whether an open plain file of some size is a beginning of the text, as a copy of it is that was made earlier or is being
// made. Two logs may begin the same for long, so where there is a file that has more of the text, that is looked at, too.
func (t *Tailer) isPart(f *file, x *text, size int64) bool {
	if x.compare(f.f, size) != part {
		return false
	}
	for _, o := range t.files {
		if o == f || o.text != x || o.packed || o.part {
			continue
		}
		whole, err := os.Open(o.path)
		if err != nil {
			continue
		}
		defer whole.Close()
		if info, err := whole.Stat(); err == nil && idOf(info).same(fileID{Dev: o.id.Dev, Ino: o.id.Ino}) && info.Size() >= size {
			return sameEnd(f.f, whole, size)
		}
	}
	return true
}

// sameEnd tells whether two files of this size at least have the same bytes before it.
func sameEnd(a, b io.ReaderAt, size int64) bool {
	n := min(size, 4<<10)
	endA, endB := make([]byte, n), make([]byte, n)
	_, errA := a.ReadAt(endA, size-n)
	_, errB := b.ReadAt(endB, size-n)
	return (errA == nil || errA == io.EOF) && (errB == nil || errB == io.EOF) && bytes.Equal(endA, endB)
}

// named tells whether a file that has a name still has the text.
func (t *Tailer) named(x *text) bool {
	return x.files > 0 && slices.ContainsFunc(t.files, func(f *file) bool { return f.text == x && f.look == t.look })
}

// inPlace tells whether a file that the last look has found with the text still has its name.
func (t *Tailer) inPlace(x *text) bool {
	return slices.ContainsFunc(t.files, func(f *file) bool { return f.text == x && f.look == t.look && f.inPlace() })
}

// inPlace tells whether the file still has the name that it was seen with last.
func (f *file) inPlace() bool {
	info, err := os.Stat(f.path)
	return err == nil && idOf(info) == fileID{Dev: f.id.Dev, Ino: f.id.Ino}
}

// lost tells whether the last look has found no name for the file.
func (t *Tailer) lost(f *file) bool { return f.look != t.look }

// putOff leaves a file to the next look. A plain one stays open: by then it may have no name.
func (t *Tailer) putOff(f *file) {
	if f.packed {
		t.closeFile(f)
	}
}

// relate tells what a new file has to do with a text that begins as it does, as far as the file's first bytes tell if it is packed.
func (t *Tailer) relate(f *file, x *text, head []byte) relation {
	if !f.packed {
		how := x.compare(f.f, f.seen.Size())
		if how == part && !t.isPart(f, x, f.seen.Size()) {
			return other
		}
		return how
	}
	if len(head) < len(x.Head) {
		return part
	}
	return same
}

// head reads the first bytes of a file's text.
//
// torn tells that a compressed file is damaged there, or not written yet.
func (t *Tailer) head(f *file) (head []byte, packed, torn bool, err error) {
	r, err := lines.DecompressNamed(io.NewSectionReader(f.f, 0, 1<<62), f.path)
	if err != nil {
		return nil, false, false, err
	}
	head = make([]byte, maxHead)
	n := 0
	for n < len(head) && err == nil {
		var m int
		m, err = r.Read(head[n:])
		n += m
	}
	packed = lines.IsPacked(r)
	if err == io.EOF || packed {
		return head[:n], packed, err != nil && err != io.EOF, nil
	}
	return head[:n], false, false, err
}

// beingPacked leaves a file out that is not whole yet.
func (t *Tailer) beingPacked(f *file) {
	t.note(f.path, fmt.Sprintf("%s is left out for now: it is being compressed", f.path))
	t.closeFile(f)
}

// beginAlike tells whether one of two is the beginning of the other.
func beginAlike(a, b []byte) bool {
	n := min(len(a), len(b))
	return bytes.Equal(a[:n], b[:n])
}

// damaged tells of a compressed file that can't be read to its end. It is tried again when it has another size.
func (t *Tailer) damaged(f *file, err error) {
	f.failed = f.seen.Size()
	var name *lines.NameError
	if errors.As(err, &name) {
		t.problem(f.path, fmt.Errorf("%s: %w", f.path, err))
		return
	}
	t.problem(f.path, fmt.Errorf("%s: can't be read to its end, what stands before the damage is shipped: %w", f.path, err))
}
