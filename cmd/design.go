package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"logctl/designdocs"
	"logctl/internal/terminal"
	"logctl/reports"
	"logctl/store"
)

func newDesign(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "design",
		Short: "List, install and compare the design documents of an app",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newDesignList(g), newDesignPush(g), newDesignDiff(g))
	return c
}

const designHelp = `
Without DIR it is logctl's own _design/report, which the reports ask. DIR holds others as files:

  NAME/views/VIEW/map.js      function (doc) { ... emit(key, value) ... }
  NAME/views/VIEW/reduce      a builtin such as _count; or reduce.js with a function
  NAME/views/lib/MODULE.js    for require("views/lib/MODULE")
  NAME/filters/FILTER.js      also updates/, shows/ and lists/
  NAME/validate_doc_update.js
  NAME.json                   a whole design document

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`

func newDesignPush(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "push APP [DIR]",
		Short: "Install design documents",
		Long: `Install design documents in an app. One that is there already and means the same is not written again,
because its views would be built anew. It takes an admin's account, or an analyst's of the app.

  logctl design push fail2ban
  logctl design push shop ./views
` + designHelp,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error {
			return runDesignPush(c.Context(), streamsOf(c), g, args[0], args[1:])
		},
	}
}

func runDesignPush(ctx context.Context, std streams, g *globals, app string, dir []string) error {
	db, docs, err := designsOf(app, dir)
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	results, err := designdocs.Install(ctx, c, db, docs)
	for _, r := range results {
		fmt.Fprintf(std.err, "logctl: _design/%s: %s\n", r.Name, r.Change)
	}
	return c.explain(err, app)
}

func newDesignDiff(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "diff APP [DIR]",
		Short: "Show what push would change",
		Long: `Show what "logctl design push" would change in an app: lines that go (-) and come (+). It shows nothing where
nothing would change.

  logctl design diff fail2ban
  logctl design diff shop ./views
` + designHelp,
		Args: usageArgs(cobra.RangeArgs(1, 2)),
		RunE: func(c *cobra.Command, args []string) error {
			return runDesignDiff(c.Context(), streamsOf(c), g, args[0], args[1:])
		},
	}
}

func runDesignDiff(ctx context.Context, std streams, g *globals, app string, dir []string) error {
	db, docs, err := designsOf(app, dir)
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	text, err := designdocs.Diff(ctx, c, db, docs)
	if err != nil {
		return c.explain(err, app)
	}
	if terminal.Is(std.out) {
		text = reports.VisibleLines(text)
	}
	_, err = io.WriteString(std.out, text)
	return err
}

// designsOf are the database of an app and the design documents in dir, our own where none is given.
func designsOf(app string, dir []string) (store.DBName, []designdocs.Doc, error) {
	db, err := store.AppDB(app)
	if err != nil {
		return "", nil, usage(err)
	}
	if len(dir) == 0 {
		docs, err := designdocs.Own()
		return db, docs, err
	}
	docs, err := designdocs.Load(os.DirFS(dir[0]))
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", dir[0], err)
	}
	if len(docs) == 0 {
		return "", nil, hinted(fmt.Errorf("%s holds no design document", dir[0]), "logctl design push --help shows the layout")
	}
	return db, docs, nil
}

func newDesignList(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "list APP",
		Short: "List the design documents of an app",
		Long: `List the design documents of an app with their views. State tells of logctl's own whether it is as this
version would install it: current, or different.

  logctl design list fail2ban
  logctl design list fail2ban -o json

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runDesignList(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func runDesignList(ctx context.Context, std streams, g *globals, o *outputFlag, app string) error {
	if err := o.check(); err != nil {
		return err
	}
	db, own, err := designsOf(app, nil)
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	list, err := designdocs.List(ctx, c, db)
	if err != nil {
		return c.explain(err, app)
	}
	if len(list) == 0 {
		fmt.Fprintf(std.err, "logctl: no design documents in app %s\n", app)
	}
	_, err = o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "name"}, {Name: "views"}, {Name: "rev"}, {Name: "state"}},
		Rows:    reports.Each(list, func(d designdocs.Stored) []any { return []any{d.Name, d.Views(), d.Rev, designState(d, own)} }),
	})
	return err
}

// designState tells whether a stored document is as we would install it; "" where it is not one of ours.
func designState(d designdocs.Stored, own []designdocs.Doc) string {
	for _, doc := range own {
		switch {
		case d.Matches(doc):
			return "current"
		case strings.EqualFold(d.Name, doc.Name):
			return "different"
		}
	}
	return ""
}
