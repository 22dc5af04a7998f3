package cmd

import (
	"io"

	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/format/container"
	"logctl/ship"
)

// podLogs are the logs that Kubernetes keeps on a node, with what rotation makes of them.
const podLogs = "/var/log/pods/*/*/*.log*"

// containerFlags say that lines are in what a container runtime writes around them.
type containerFlags struct {
	runtime    string
	kubernetes bool
}

func (o *containerFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.runtime, "container", "", "the lines are in a container runtime's log: docker (json-file) or cri (Kubernetes)")
	fs.BoolVar(&o.kubernetes, "kubernetes", false, "--container cri, with namespace, pod, container and uid of the path "+podLogs)
}

// args are the flags again, as a command line has them.
func (o *containerFlags) args() (args []string) {
	if o.runtime != "" {
		args = append(args, "--container", o.runtime)
	}
	if o.kubernetes {
		args = append(args, "--kubernetes")
	}
	return args
}

// kind is the runtime that the flags name, "" for none.
func (o *containerFlags) kind() (container.Kind, error) {
	kind := container.Kind(o.runtime)
	switch {
	case o.kubernetes && (kind == "" || kind == container.CRI):
		return container.CRI, nil
	case o.kubernetes:
		return "", usagef("--kubernetes means --container cri")
	case kind != "" && kind != container.Docker && kind != container.CRI:
		return "", usagef("--container is docker or cri")
	}
	return kind, nil
}

// formatter is what the flags ask for, of lines in what a runtime writes around them where kind is not "".
func (o *containerFlags) formatter(f *formatFlags, w io.Writer, g *globals) (formatter *format.Formatter, kind container.Kind, err error) {
	if kind, err = o.kind(); err != nil {
		return nil, "", err
	}
	formatter, err = f.formatter(w, g)
	if err != nil || kind == "" {
		return formatter, kind, err
	}
	formatter, err = format.New(format.Options{Parser: container.NewParser(kind, formatter, o.kubernetes)})
	return formatter, kind, err
}

// pieces is ship.Options.Pieces for the runtime.
func pieces(kind container.Kind) func([]byte) (ship.Piece, bool) {
	if kind == "" {
		return nil
	}
	return func(line []byte) (ship.Piece, bool) {
		l, ok := kind.Cut(line)
		return ship.Piece{Stream: l.Stream, Head: l.Head, Text: l.Text, Tail: l.Tail, More: l.More}, ok
	}
}
