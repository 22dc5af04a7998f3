package ship

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"logctl/internal/lines"
)

// Stdin is the name of the standard input among the inputs.
const Stdin = "-"

// input is one thing to read lines from. Regular files are open from the first look on, so that a rotation can neither
// hide one nor show one twice.
type input struct {
	path string
	file *os.File    // nil: a stream, opened when it is its turn
	info fs.FileInfo // of file
}

// plan is what a run reads, in order, and what a person must be told about the arguments.
type plan struct {
	inputs   []*input
	problems []error  // each a file that should have been read and can't be
	notes    []string // things that are left out for a reason
}

func (p *plan) close() {
	for _, in := range p.inputs {
		if in.file != nil {
			in.file.Close()
		}
	}
}

// size is the sum of the regular files' sizes in bytes.
func (p *plan) size() int64 {
	var n int64
	for _, in := range p.inputs {
		if in.file != nil {
			n += in.info.Size()
		}
	}
	return n
}

// maxLooks is how often the files are looked at again because a rotation came in between.
const maxLooks = 10

// makePlan opens what args name: paths, patterns and "-" (which no argument means too). A pattern that is none gives
// filepath.ErrBadPattern. All files are opened at one
// moment between two rotations: if a name means another file after all are open, they are looked at again.
func makePlan(args []string) (*plan, error) {
	for range maxLooks {
		p, err := look(args)
		if err != nil {
			return nil, err
		}
		if p.steady() {
			p.leaveOutCopies()
			p.sort()
			return p, nil
		}
		p.close()
	}
	return nil, errors.New("the files are renamed faster than they can be opened")
}

// look expands and opens args in their order.
func look(args []string) (*plan, error) {
	p := &plan{}
	if len(args) == 0 {
		args = []string{Stdin}
	}
	for _, arg := range args {
		if arg == Stdin {
			p.addStream(arg)
			continue
		}
		_, err := os.Stat(arg)
		if err == nil || !strings.ContainsAny(arg, "*?[") {
			p.add(arg, false)
			continue
		}
		paths, err := filepath.Glob(arg)
		if err != nil {
			p.close()
			return nil, fmt.Errorf("pattern %q: %w", arg, err)
		}
		if len(paths) == 0 {
			p.notes = append(p.notes, fmt.Sprintf("no file matches %s", arg))
		}
		for _, path := range paths {
			p.add(path, true)
		}
	}
	return p, nil
}

// add opens the file at path. One that a pattern has found may be a directory, which is passed over, or be gone by now.
func (p *plan) add(path string, found bool) {
	path = filepath.Clean(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		if !found {
			p.problems = append(p.problems, fmt.Errorf("%s is a directory; name its files, as in '%s'", path, filepath.Join(path, "*.log")))
		}
		return
	case err == nil && !info.Mode().IsRegular():
		p.addStream(path)
		return
	case errors.Is(err, fs.ErrNotExist) && found:
		return
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err == nil {
		info, err = f.Stat()
	}
	if err != nil {
		p.problems = append(p.problems, plainPathError(err))
		return
	}
	for _, in := range p.inputs {
		if in.file != nil && os.SameFile(in.info, info) {
			f.Close()
			return
		}
	}
	p.inputs = append(p.inputs, &input{path: path, file: f, info: info})
}

func (p *plan) addStream(path string) {
	for _, in := range p.inputs {
		if in.path == path {
			return
		}
	}
	p.inputs = append(p.inputs, &input{path: path})
}

// steady tells whether each name still means the file that was opened by it.
func (p *plan) steady() bool {
	for _, in := range p.inputs {
		if in.file == nil {
			continue
		}
		if now, err := os.Stat(in.path); err != nil || !os.SameFile(now, in.info) {
			return false
		}
	}
	return true
}

// leaveOutCopies drops, of an X and an X.gz that are both read, the one that is still being made from the other: what it has
// is in the other, too.
func (p *plan) leaveOutCopies() {
	byPath := map[string]*input{}
	for _, in := range p.inputs {
		byPath[in.path] = in
	}
	left := map[*input]bool{}
	for _, in := range p.inputs {
		stem, isGzip := strings.CutSuffix(in.path, ".gz")
		plain := byPath[stem]
		if !isGzip || in.file == nil || plain == nil || plain.file == nil {
			continue
		}
		switch compareCopies(in.file, plain.file) {
		case gzipIsPart:
			left[in] = true
			p.notes = append(p.notes, fmt.Sprintf("%s left out: it is %s, being compressed", in.path, stem))
		case plainIsPart:
			left[plain] = true
			p.notes = append(p.notes, fmt.Sprintf("%s left out: it is %s, being unpacked", stem, in.path))
		}
	}
	p.inputs = slices.DeleteFunc(p.inputs, func(in *input) bool {
		if left[in] {
			in.file.Close()
		}
		return left[in]
	})
}

// copies is what a gzip file and a plain one have to do with each other.
type copies uint8

const (
	unrelated   copies = iota // each has something of its own
	gzipIsPart                // the plain file has all that the gzip file has
	plainIsPart               // the gzip file has all that the plain file has, and more
)

// compareCopies compares what a gzip file unpacks to, up to its end or to where it is cut off, with a plain file.
func compareCopies(gz, plain *os.File) copies {
	unpacked, err := lines.Decompress(io.NewSectionReader(gz, 0, math.MaxInt64))
	if err != nil {
		return gzipIsPart // it has not even a whole header yet: there is nothing in it to lose
	}
	text := io.NewSectionReader(plain, 0, math.MaxInt64)
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, gzErr := io.ReadFull(unpacked, a)
		m, err := io.ReadFull(text, b[:n])
		switch {
		case !bytes.Equal(a[:m], b[:m]):
			return unrelated
		case m < n && errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return plainIsPart
		case err != nil:
			return unrelated
		case gzErr != nil:
			return gzipIsPart
		}
	}
}

// sort puts files into order of time, the oldest first: by when they were last written, files of the same moment by what their
// names say of the rotation. Streams come last, in the order given.
func (p *plan) sort() {
	slices.SortStableFunc(p.inputs, func(a, b *input) int {
		switch {
		case a.file == nil || b.file == nil:
			return cmp.Compare(b2i(a.file == nil), b2i(b.file == nil))
		case !a.info.ModTime().Equal(b.info.ModTime()):
			return a.info.ModTime().Compare(b.info.ModTime())
		}
		stemA, ageA := rotation(a.path)
		stemB, ageB := rotation(b.path)
		return cmp.Or(cmp.Compare(stemA, stemB), cmp.Compare(ageB, ageA))
	})
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// rotation splits what logrotate adds off a path: x.log.2.gz is x.log of age 2, x.log-20260131 one whose age falls with the
// date, and x.log itself has age 0.
func rotation(path string) (stem string, age int) {
	name := strings.TrimSuffix(path, ".gz")
	stem = strings.TrimRight(name, "0123456789")
	n, err := strconv.Atoi(name[len(stem):])
	switch {
	case err != nil || stem == "":
		return name, 0
	case strings.HasSuffix(stem, "."):
		return stem[:len(stem)-1], n
	case strings.HasSuffix(stem, "-"):
		const afterAnyDate = 1 << 62
		return stem[:len(stem)-1], afterAnyDate - n
	}
	return name, 0
}
