package tail

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// found is a name of a file.
type found struct {
	path    string
	info    fs.FileInfo
	id      fileID // without the time of birth
	sibling bool
}

// scan looks at all names again, and gives the files that are to be read, the oldest first.
func (t *Tailer) scan() []*file {
	t.look++
	t.size.Store(0)
	t.looked = time.Now()
	names := t.names()
	var todo []*file
	for _, n := range names {
		f := t.fileOf(n)
		if f == nil {
			if f = t.open(n); f == nil {
				continue
			}
		}
		f.look, f.seen = t.look, n.info
		if f.path != n.path {
			f.path, f.origin = n.path, nil
			if f.text != nil && f.text.fileID == f.id {
				t.moved(f)
			}
		}
		if t.worthReading(f) {
			todo = append(todo, f)
		}
	}
	todo = append(todo, t.forget()...)
	size := int64(0)
	for _, f := range todo {
		size += f.seen.Size()
	}
	t.size.Add(size)
	slices.SortStableFunc(todo, older)
	t.watchDirs(names)
	return todo
}

// steady tells whether each name still means the file that was seen: a rotation in between may hide one.
func (t *Tailer) steady() bool {
	for _, f := range t.files {
		if f.look != t.look {
			continue
		}
		info, err := os.Stat(f.path)
		if err != nil || (idOf(info) != fileID{Dev: f.id.Dev, Ino: f.id.Ino}) {
			return false
		}
	}
	return true
}

// older puts files into order of time: by when they were last written, of the same moment by what their names say of rotation.
func older(a, b *file) int {
	return cmp.Or(a.seen.ModTime().Compare(b.seen.ModTime()), cmp.Compare(a.log(), b.log()), cmp.Compare(b.age(), a.age()))
}

// fileOf is the file that a name means, if it is known.
func (t *Tailer) fileOf(n found) *file {
	f := t.byNode[node{n.id.Dev, n.id.Ino}]
	if f != nil && f.f == nil && f.text != nil && f.text.fileID.Born != 0 && !f.stillThere(n.path) {
		t.drop(f) // its number is used again
		return nil
	}
	return f
}

// worthReading tells whether there may be something new in a file.
func (t *Tailer) worthReading(f *file) bool {
	x := f.text
	if x == nil {
		return f.failed == 0 || f.failed != f.seen.Size()
	}
	if f.failed == f.seen.Size() && f.failed > 0 {
		return false
	}
	if f.packed || x.Packed > 0 && x.Packed == f.seen.Size() {
		return x.Packed != f.seen.Size()
	}
	return f.seen.Size() != x.At || f.seen.ModTime().UnixNano() != x.Written
}

// names expands Paths, and adds what rotation has made of logs that were read.
func (t *Tailer) names() []found {
	var names []found
	for _, arg := range t.o.Paths {
		info, err := os.Stat(arg)
		switch {
		case err == nil && info.IsDir() && t.isFile[arg]:
			t.problem(arg, fmt.Errorf("%s is a directory now", arg))
		case err == nil && info.IsDir():
			names = append(names, t.inDir(arg)...)
		case err != nil && strings.ContainsAny(arg, "*?["):
			names = append(names, t.matches(arg)...)
		default:
			t.isFile[arg] = t.isFile[arg] || err == nil
			names = t.add(names, arg, info, err)
		}
	}
	names = t.addSiblings(names)
	// A file has one name, the first. Names that are asked for come before those of siblings.
	seen := map[fileID]bool{}
	return slices.DeleteFunc(names, func(n found) bool {
		twice := seen[n.id]
		seen[n.id] = true
		return twice
	})
}

func (t *Tailer) inDir(dir string) []found {
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.problem(dir, plainPathError(err))
		return nil
	}
	var names []found
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			names = t.add(names, path, info, nil)
		}
	}
	if len(names) == 0 {
		t.note(dir, fmt.Sprintf("there is no file in %s", dir))
	}
	return names
}

func (t *Tailer) matches(pattern string) []found {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		t.problem(pattern, fmt.Errorf("pattern %q: %w", pattern, err))
		return nil
	}
	var names []found
	for _, path := range paths {
		info, err := os.Stat(path)
		if err == nil && info.IsDir() || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		t.isFile[pattern] = true
		names = t.add(names, path, info, err)
	}
	switch {
	case t.isFile[pattern]: // later there may be none for a moment, while logs are rotated
	case t.o.Follow || t.o.MayBeNone:
		t.note(pattern, "no file matches "+pattern)
	default:
		t.problem(pattern, fmt.Errorf("no file matches %s", pattern))
	}
	return names
}

// add adds a name, if it is one of a file that can be read to its end.
func (t *Tailer) add(names []found, path string, info fs.FileInfo, err error) []found {
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.o.Follow:
		t.note(path, fmt.Sprintf("%s is not there yet", path))
		return names
	case err != nil:
		t.problem(path, plainPathError(err))
		return names
	case !info.Mode().IsRegular():
		t.problem(path, fmt.Errorf("%s is no file any more", path))
		return names
	}
	if t.o.LeaveOut != nil {
		if why := t.o.LeaveOut(info); why != "" {
			t.problem(path, fmt.Errorf("%s %s", path, why))
			return names
		}
	}
	delete(t.said, path)
	return append(names, found{path: filepath.Clean(path), info: info, id: idOf(info)})
}

// addSiblings adds, for each log that is named, what was read of it before and where it is now, and the files that rotation has made
// since then.
func (t *Tailer) addSiblings(names []found) []found {
	logs := map[string]bool{} // absolute paths that Paths name
	for _, n := range names {
		logs[absolute(n.path)] = true
	}
	for _, arg := range t.o.Paths {
		logs[absolute(arg)] = true
	}
	at := map[string]fileID{}
	for _, n := range names {
		at[absolute(n.path)] = n.id
	}
	dirs := map[string]map[string][]found{}
	for _, x := range t.texts {
		if id, ok := at[x.Path]; ok && id.Ino == x.Ino && (x.files > 0 || t.look == 1) {
			continue // it is where it was, as far as is known
		}
		log := x.log()
		if !logs[log] {
			log = x.Path
		}
		if !logs[log] {
			continue
		}
		dir := filepath.Dir(log)
		if dirs[dir] == nil {
			dirs[dir] = byLog(dir)
		}
		names = append(names, newer(x, dirs[dir][log])...)
	}
	return names
}

// byLog are the files in a directory, by the log that rotation has made them of. One that can't be read has been told of.
func byLog(dir string) map[string][]found {
	logs := map[string][]found{}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		log, _ := rotation(path)
		if path != log {
			logs[log] = append(logs[log], found{path: path, sibling: true})
		}
	}
	return logs
}

// newer are those of a log's files that hold, or may hold, what was not read yet of x or came after it.
func newer(x *text, of []found) []found {
	age := -1 // of the file that has x
	there := of[:0:0]
	for _, n := range of {
		info, err := os.Stat(n.path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		n.info, n.id = info, idOf(info)
		if n.id.Ino == x.Ino {
			_, age = rotation(n.path)
		}
		there = append(there, n)
	}
	return slices.DeleteFunc(there, func(n found) bool {
		if _, its := rotation(n.path); age >= 0 {
			return its > age
		}
		return n.info.ModTime().UnixNano() < x.Written
	})
}

// forget drops files that have lost their name, and texts that no file has for long. It gives those that have just lost it.
func (t *Tailer) forget() (lost []*file) {
	for _, f := range slices.Clone(t.files) {
		switch {
		case f.look == t.look:
			f.lost = time.Time{}
		case f.f != nil && t.o.Follow && !f.packed && (f.lost.IsZero() || f.text == nil && time.Since(f.lost) < lostTime):
			lost = append(lost, f)
			if f.lost.IsZero() {
				f.lost = time.Now()
			}
		case f.f == nil || !t.o.Follow || time.Since(f.lost) > lostTime && time.Since(f.grown) > lostTime:
			t.drop(f)
		}
	}
	now := time.Now()
	t.texts = slices.DeleteFunc(t.texts, func(x *text) bool {
		switch {
		case x.files > 0:
			return false
		case !t.asked(x.Path):
			return false // another run's
		case x.Gone == 0:
			x.Gone, x.changed = now.Unix(), true
			t.soon = true // where it was is something else: there may be a copy of it
		case now.Sub(time.Unix(x.Gone, 0)) > rememberGone:
			t.marks = append(t.marks, x.forget()...)
			return true
		}
		return false
	})
	return lost
}

// asked tells whether Paths mean a file, or the log that rotation has made it of: if nobody has seen it then, it is gone.
func (t *Tailer) asked(path string) bool {
	log, _ := rotation(path)
	return slices.ContainsFunc(t.o.Paths, func(arg string) bool {
		arg = absolute(arg)
		return slices.ContainsFunc([]string{path, log}, func(p string) bool {
			match, _ := filepath.Match(arg, p)
			return match || arg == p || arg == filepath.Dir(p)
		})
	})
}

// drop forgets a file.
func (t *Tailer) drop(f *file) {
	t.closeFile(f)
	t.detach(f)
	delete(t.byNode, node{f.id.Dev, f.id.Ino})
	t.files = slices.DeleteFunc(t.files, func(o *file) bool { return o == f })
}

// plainPathError is err without the name of the system call.
func plainPathError(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}
