package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"logctl/internal/app"
	"logctl/store"
)

func newCheck(g *globals) *cobra.Command {
	repair := false
	c := &cobra.Command{
		Use:   "check",
		Short: "Verify an embedded store: checksums, docs, views",
		Long: `Verify the embedded store of a data directory: the checksums of all its files; that each doc is found by its id and by its place
in the changes feed, with its revisions and attachments, and that the counters are right; and that the views are what mapping all docs
anew gives. Nobody may have it open: end a logctl serve first.

  logctl check
  logctl check --data /var/lib/logctl --repair

--repair builds damaged views anew. Docs that are damaged are told by their ids, and nothing is done to them: the others can be read,
and lines whose docs are lost can be shipped again.

Exit status: 0 all is sound or was made so, 1 something is damaged, 2 usage, 4 not allowed, 5 somebody has it open.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCheck(c.Context(), streamsOf(c), g, repair) },
	}
	c.Flags().BoolVar(&repair, "repair", false, "build damaged views anew")
	return c
}

func runCheck(ctx context.Context, s streams, g *globals, repair bool) error {
	conf, err := g.config()
	if err != nil {
		return err
	}
	if conf.URL != "" {
		return usagef("check is for the embedded store of a data directory, not for a server")
	}
	if _, err := os.Stat(filepath.Join(conf.Data, "store")); errors.Is(err, fs.ErrNotExist) {
		return hinted(fmt.Errorf("there is no store in %s", conf.Data), "--data names the directory of the store")
	}
	sound, err := app.Check(ctx, app.CheckOptions{
		Data: conf.Data, Repair: repair,
		Say:   func(line string) { fmt.Fprintln(s.out, oneLine(line)) },
		Wrong: func(line string) { fmt.Fprintln(s.out, "damaged: "+oneLine(line)) },
	})
	switch {
	case store.IsKind(err, store.KindLocked):
		return hinted(err, "end the logctl serve, or the command, that has it open")
	case err != nil:
		return err
	case !sound && !repair:
		return hinted(errors.New("the store is damaged"), "logctl check --repair builds damaged views anew")
	case !sound:
		return errors.New("the store is damaged")
	}
	return nil
}
