package cmd

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"logctl/internal/fauxton"
)

func newFauxton(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "fauxton",
		Short: "Install Fauxton, CouchDB's web interface",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newFauxtonInstall(g))
	return c
}

func newFauxtonInstall(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "install FILE.tgz",
		Short: "Unpack the npm package fauxton for logctl serve",
		Long: `Unpack Fauxton, CouchDB's web interface, out of the npm package of that name into the data directory. A logctl serve
shows it at /_utils/ from then on, a running one, too.

  npm pack fauxton@` + fauxton.Version + `
  logctl fauxton install fauxton-` + fauxton.Version + `.tgz

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error { return runFauxtonInstall(streamsOf(c), g, args[0]) },
	}
}

func runFauxtonInstall(s streams, g *globals, file string) error {
	conf, err := g.config()
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return hinted(err, "npm pack fauxton@"+fauxton.Version)
	}
	defer f.Close()
	if err := fauxton.Install(conf.Data, f); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "logctl: Fauxton is in %s; logctl serve shows it at /_utils/\n", fauxton.Dir(conf.Data))
	return nil
}
