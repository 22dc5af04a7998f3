package ship

import (
	"io/fs"
	"os"
	"slices"

	"logctl/ship/source"
	"logctl/ship/tail"
)

// Stdin is the name of the standard input among the inputs.
const Stdin = "-"

// inputs are the sources of a run.
type inputs struct {
	list    []source.Source
	files   *tail.Tailer
	streams []string // paths, and Stdin
}

// inputs finds out what the arguments of a run mean: files, and what can be read once only.
func (r *runner) inputs() (*inputs, error) {
	args := r.o.Inputs
	if len(args) == 0 && len(r.o.Sources) == 0 && len(r.o.Sockets) == 0 {
		args = []string{Stdin}
	}
	in := &inputs{list: append([]source.Source(nil), r.o.Sources...)}
	for _, s := range in.list {
		if s, ok := s.(source.Speaker); ok {
			s.Tell(r.problem, r.note)
		}
	}
	var paths []string
	seen := map[string]bool{}
	for _, arg := range args {
		info, err := os.Stat(arg)
		switch {
		case seen[arg]:
		case arg == Stdin, err == nil && !info.IsDir() && !info.Mode().IsRegular():
			in.streams = append(in.streams, arg)
		default:
			paths = append(paths, arg)
		}
		seen[arg] = true
	}
	var err error
	in.files, err = tail.New(tail.Options{Paths: paths, Follow: r.o.Follow, MaxLine: r.o.MaxLine, LeaveOut: r.leaveOut,
		MayBeNone: r.o.Remove == Delete, Problem: r.problem, Note: r.note})
	if err != nil {
		return nil, err
	}
	if len(paths) > 0 {
		in.list = append(in.list, in.files)
	}
	for _, path := range in.streams {
		in.list = append(in.list, &streamSource{r: r, path: path})
	}
	for _, path := range r.o.Sockets {
		s := &socketSource{r: r, path: path}
		if err := s.listen(); err != nil {
			in.close()
			return nil, err
		}
		in.list = append(in.list, s)
	}
	if r.o.Pieces != nil {
		in.join(&r.o)
	}
	return in, nil
}

// close ends listening.
func (in *inputs) close() {
	for _, s := range in.list {
		if s, ok := s.(*socketSource); ok {
			s.listener.Close()
		}
	}
}

// fleeting tells whether there is an input whose lines can't be read again.
func (in *inputs) fleeting() bool {
	return len(in.streams) > 0 || slices.ContainsFunc(in.list, func(s source.Source) bool {
		_, ok := s.(source.Fleeting)
		return ok
	})
}

// leaveOut tells of the file that rejects go to, which can't be read by the same run.
func (r *runner) leaveOut(info fs.FileInfo) string {
	if r.keeper.is(info) {
		return "keeps the rejects of this run and can't be read by it"
	}
	return ""
}
