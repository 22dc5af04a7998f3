package cmd

import (
	"io"

	"github.com/spf13/pflag"

	"logctl/format"
	"logctl/format/container"
	"logctl/ship"
	"logctl/ship/pods"
)

// podLogs are the logs that Kubernetes keeps on a node, with what rotation makes of them.
const podLogs = "/var/log/pods/*/*/*.log*"

// containerFlags say that lines are in what a container runtime, the journal or the kernel writes around them.
type containerFlags struct {
	runtime         string
	kubernetes      bool
	journal, kernel bool

	parser *container.Parser // that formatter has made, nil if none
}

func (o *containerFlags) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.runtime, "container", "", "the lines are in a container runtime's log: docker (json-file) or cri (Kubernetes)")
	fs.BoolVar(&o.kubernetes, "kubernetes", false, "--container cri, with namespace, pod, container and uid of the path "+podLogs)
	fs.BoolVar(&o.journal, "journal", false, "the lines are entries of systemd's journal, which journalctl reads")
	fs.BoolVar(&o.kernel, "kernel", false, "the lines are the kernel's messages, of /dev/kmsg")
}

// args are the flags again, as a command line has them.
func (o *containerFlags) args() (args []string) {
	if o.runtime != "" {
		args = append(args, "--container", o.runtime)
	}
	if o.kubernetes {
		args = append(args, "--kubernetes")
	}
	if o.journal {
		args = append(args, "--journal")
	}
	if o.kernel {
		args = append(args, "--kernel")
	}
	return args
}

// carrier is the preset of what stands around messages that come by themselves, "" for lines of files and streams.
func (o *containerFlags) carrier() string {
	switch {
	case o.journal:
		return "journald"
	case o.kernel:
		return "syslog"
	}
	return ""
}

// kind is the runtime that the flags name, "" for none.
func (o *containerFlags) kind() (container.Kind, error) {
	kind := container.Kind(o.runtime)
	switch {
	case o.journal && o.kernel || (o.journal || o.kernel) && (o.kubernetes || kind != ""):
		return "", usagef("--journal, --kernel, --container and --kubernetes say where lines come from: name one")
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
	carrier := o.carrier()
	if carrier != "" && len(f.Schemas) == 0 && f.Preset == "" {
		f.Preset = carrier
	}
	formatter, err = f.formatter(w, g)
	if err == nil && carrier != "" {
		formatter, err = carried(formatter, carrier, f, g)
	}
	if err != nil || kind == "" {
		return formatter, kind, err
	}
	o.parser = container.NewParser(kind, formatter, o.kubernetes)
	formatter, err = format.New(format.Options{Parser: o.parser})
	return formatter, kind, err
}

// carried is formatter for the messages in lines of a carrier; a preset may be for the lines, too.
func carried(formatter *format.Formatter, carrier string, f *formatFlags, g *globals) (*format.Formatter, error) {
	set, err := g.presets()
	if err != nil {
		return nil, err
	}
	parser, err := set.Carried(carrier, f.zone, formatter, f.Preset == "")
	if err != nil {
		return nil, err
	}
	return format.New(format.Options{Parser: parser})
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

// withLabels is extend, nil for nothing, that adds the labels of the pod whose log is at hand.
func (o *containerFlags) withLabels(l *pods.Labels, extend func(buf []byte, start int) []byte) func(buf []byte, start int) []byte {
	if l == nil || !o.kubernetes {
		return extend
	}
	return func(buf []byte, start int) []byte {
		if extend != nil {
			buf = extend(buf, start)
		}
		pod := o.parser.Pod()
		return l.Append(buf, start, pods.Pod{Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID})
	}
}
