// Package cmd is the command line: the tree of subcommands, one file each, in the shape newX → xOptions.addFlags → runX.
//
// Data goes to stdout, talk to stderr. Exit status: 0 done, 1 failed, 2 usage, 3 partly done, 4 not allowed, 5 try again
// later; status.go has the table from errors to statuses. Settings come from flags, then the environment, then a file.
package cmd

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"logctl/format/preset"
	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/store"
)

// streams are what a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// globals are the settings that every command shares.
type globals struct {
	flags config.Config
}

// config is what flags, environment and file say together.
func (g *globals) config() (config.Config, error) { return config.Load(g.flags, os.Getenv) }

// presets are the built-in presets and the user's own. An error in a file is a *preset.Error.
func (g *globals) presets() (*preset.Set, error) {
	c, err := g.config()
	if err != nil {
		return nil, err
	}
	if file := c.PresetFile(os.Getenv); file != "" {
		return preset.Load(file)
	}
	return preset.Load()
}

// connect opens the way to the store that the settings name; the caller closes it. tell is called if it has to wait for that.
func (g *globals) connect(ctx context.Context, tell func(error)) (*app.Conn, error) {
	c, err := g.config()
	if err != nil {
		return nil, err
	}
	conn, err := app.Connect(ctx, c, tell)
	if store.IsKind(err, store.KindBadRequest) {
		return nil, usage(err)
	}
	return conn, err
}

// streamsOf are a command's streams.
func streamsOf(c *cobra.Command) streams {
	return streams{in: c.InOrStdin(), out: c.OutOrStdout(), err: c.ErrOrStderr()}
}

// Main runs the command line and gives its exit status. SIGINT and SIGTERM end a command's context; a second one kills.
func Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot()
	root.SetArgs(args)
	return exitStatus(os.Stderr, root.ExecuteContext(ctx))
}

func newRoot() *cobra.Command {
	g := &globals{}
	root := &cobra.Command{
		Use:   "logctl",
		Short: "Turn the logs of a few servers into answers",
		Long: `logctl turns log lines into JSON, ships them to a store that everybody may write to and nobody
may read without an account, and answers from the terminal.

  logctl ship --app fail2ban --preset fail2ban /var/log/fail2ban.log*
  logctl report attackers --since 7d

Without LOGCTL_URL the store is a directory on this machine and needs no server.

Exit status: 0 done, 1 failed, 2 usage, 3 partly done (some lines rejected), 4 not allowed, 5 try again later.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          usageArgs(cobra.NoArgs),
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return hinted(usage(err), c.CommandPath()+" --help") })
	g.flags.Each(func(flag, help string, field *string) { root.PersistentFlags().StringVar(field, flag, "", help) })
	root.AddCommand(commands(g)...)
	return root
}
