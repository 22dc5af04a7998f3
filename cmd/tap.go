package cmd

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"logctl/internal/tap"
)

func newTap() *cobra.Command {
	return &cobra.Command{
		Use:   "tap SOCKET",
		Short: "Copy stdin to stdout, and to a unix socket while somebody listens there",
		Long: `Copy the standard input to the standard output as it is, and give a copy of its lines to whoever listens at a unix socket, if anybody
does. For a pipeline that must go on whatever becomes of its logs:

  myprogram 2>&1 | logctl tap /run/myprogram.sock | tee -a myprogram.log
  socat -u UNIX-LISTEN:/run/myprogram.sock,fork - | logctl ship --app myprogram --preset json

The pipeline is never held up. A listener may come and go; it gets whole lines, and those that it is too slow for are dropped, for it alone,
and counted at the end. When the input ends the output is closed at once, and the listener gets a second for what is left.

Like tee, it is ended by SIGPIPE when nobody reads its output any more.

Exit status: 0 done, 1 the input or the output failed, 2 usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runTap(streamsOf(c), args[0]) },
	}
}

func runTap(std streams, socket string) error {
	signal.Reset(os.Interrupt, syscall.SIGTERM) // there is nothing to finish
	done := func() error { return nil }
	if out, ok := std.out.(io.Closer); ok {
		done = out.Close
	}
	n, err := tap.New(tap.Options{Socket: socket}).Copy(std.out, std.in, done)
	if n.Dropped > 0 {
		fmt.Fprintf(std.err, "logctl: %s given to the listener at %s, %s dropped for it\n", count(n.Given, "line"), oneLine(socket), count(n.Dropped, "line"))
	}
	return err
}
