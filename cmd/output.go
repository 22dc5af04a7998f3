package cmd

import (
	"bufio"
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"logctl/internal/terminal"
	"logctl/reports"
)

// outputFlag is -o.
type outputFlag struct{ name string }

func (o *outputFlag) addFlags(fs *pflag.FlagSet) {
	fs.StringVarP(&o.name, "output", "o", "", "table, plain, json, ndjson, csv or markdown (default table on a terminal, else plain)")
}

func (o *outputFlag) check() error {
	_, err := reports.ParseFormat(o.name)
	if err != nil {
		return usage(err)
	}
	return nil
}

// output is how to write to w, which o has been checked for.
func (o *outputFlag) output(w io.Writer) reports.Output {
	return reports.Output{Format: reports.Format(o.name), Terminal: terminal.Is(w), Width: terminal.Width(w)}
}

// write writes a result and gives the number of rows.
func (o *outputFlag) write(w io.Writer, r reports.Result) (int, error) {
	out := bufio.NewWriter(w)
	rows, err := reports.Write(out, r, o.output(w))
	return rows, cmp.Or(err, out.Flush()) // Flush tells an error of a write once more
}

// noter tells on w of what is odd but ends nothing.
func noter(w io.Writer) func(error) {
	return func(err error) { fmt.Fprintf(w, "logctl: note: %s\n", oneLine(err.Error())) }
}
