package cmd

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"logctl/designdocs"
	"logctl/internal/admin"
	"logctl/internal/app"
	"logctl/reports"
	"logctl/store"
	"logctl/store/couch"
)

func newApp(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "app",
		Short: "Create, list, show and delete apps",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newAppCreate(g), newAppList(g), newAppShow(g), newAppDelete(g))
	return c
}

func newAppCreate(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "create APP",
		Short: "Make an app's databases with their permissions and reports",
		Long: `Make what an app needs: the database log_APP, log_APP_rejects for lines that become no docs, their permissions, and
the views of the reports. Everybody may then write to them through the door; accounts made with "logctl user add" may read
them. Run it as often as you like: what is there already stays as it is.

  logctl app create shop
  LOGCTL_URL=http://couchdb:5984 LOGCTL_USER=admin LOGCTL_PASSWORD_FILE=admin.password \
    LOGCTL_WRITER_PASSWORD_FILE=writer.password logctl app create shop

On an Apache CouchDB the second form also makes the database of the audit trail and the account app_write, as which "logctl serve --couchdb" writes; its
password comes from LOGCTL_WRITER_PASSWORD_FILE or LOGCTL_WRITER_PASSWORD. It takes an admin's account.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runAppCreate(c.Context(), streamsOf(c), g, args[0])
		},
	}
}

func runAppCreate(ctx context.Context, std streams, g *globals, app string) error {
	if err := checkApp(app); err != nil {
		return err
	}
	password, err := writerPassword("")
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	steps, err := createApp(ctx, c.Client, app, password)
	for _, s := range steps {
		fmt.Fprintf(std.err, "logctl: %s: %s\n", s.What, s.Change)
	}
	return c.explain(err, "")
}

// ensureApp makes all that an app needs, or completes what an earlier call left unfinished.
func ensureApp(ctx context.Context, conn *app.Conn, name string) error {
	c, err := couch.New(couch.Options{URL: conn.BaseURL, Transport: conn.Transport})
	if err != nil {
		return err
	}
	_, err = createApp(ctx, c, name, "")
	return err
}

// createApp makes all that an app needs, or completes what an earlier call left unfinished, and tells what it did.
func createApp(ctx context.Context, c *couch.Client, app, writerPassword string) ([]admin.Step, error) {
	steps, err := admin.CreateApp(ctx, c, app, writerPassword)
	if err != nil {
		return steps, err
	}
	if writerPassword != "" { // a door in front of a CouchDB can't make it by itself
		made, err := admin.MakeTrail(ctx, c)
		if steps = append(steps, made...); err != nil {
			return steps, err
		}
	}
	for _, designs := range []struct {
		db   func(app string) (store.DBName, error)
		docs func() ([]designdocs.Doc, error)
	}{{store.AppDB, designdocs.Own}, {store.RejectsDB, designdocs.Rejects}} {
		db, err := designs.db(app)
		if err != nil {
			return steps, err
		}
		docs, err := designs.docs()
		if err != nil {
			return steps, err
		}
		installed, err := designdocs.Install(ctx, c, db, docs)
		for _, r := range installed {
			steps = append(steps, admin.Step{What: "_design/" + r.Name, Change: admin.Change(r.Change)})
		}
		if err != nil {
			return steps, err
		}
	}
	return steps, nil
}

func newAppList(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the apps with their docs and bytes on disk",
		Long: `List the apps with the number of their docs (design documents among them) and their bytes on disk. It takes an
admin's account.

  logctl app list
  logctl app list -o json

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runAppList(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func runAppList(ctx context.Context, std streams, g *globals, o *outputFlag) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	names, err := appNames(ctx, c)
	if err != nil {
		return c.explain(err, "")
	}
	n, err := o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "app"}, {Name: "docs", Number: true}, {Name: "bytes", Number: true}},
		Rows: func(yield func([]any, error) bool) {
			for _, app := range names {
				info, err := infoOf(ctx, c, store.AppPrefix+store.DBName(app))
				if store.IsKind(err, store.KindNotFound) {
					continue // deleted since it was listed
				}
				if !yield([]any{app, info.Docs, info.Disk}, err) || err != nil {
					return
				}
			}
		},
	})
	if err == nil && n == 0 {
		fmt.Fprintln(std.err, "logctl: no apps")
	}
	return c.explain(err, "")
}

// appNames are the names of all apps, sorted.
func appNames(ctx context.Context, c *client) ([]string, error) {
	all, err := c.Databases(ctx)
	if err != nil {
		return nil, err
	}
	var apps []string
	for _, db := range all {
		app, ok := db.App()
		if _, rejects := db.RejectsOf(); ok && !rejects && db != store.TrailDB {
			apps = append(apps, app)
		}
	}
	return apps, nil
}

func newAppShow(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "show APP",
		Short: "Show an app: docs, bytes, who may read it, design documents",
		Long: `Show an app: docs, deleted docs, bytes on disk, the accounts and roles that may read it, design documents.

  logctl app show fail2ban
  logctl app show fail2ban -o json

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runAppShow(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func runAppShow(ctx context.Context, std streams, g *globals, o *outputFlag, app string) error {
	if err := o.check(); err != nil {
		return err
	}
	db, err := store.AppDB(app)
	if err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	row, err := describeApp(ctx, c, app, db)
	if err != nil {
		return c.explain(err, app)
	}
	_, err = o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "app"}, {Name: "docs", Number: true}, {Name: "deleted", Number: true}, {Name: "bytes", Number: true},
			{Name: "names"}, {Name: "roles"}, {Name: "designs"}},
		Rows: func(yield func([]any, error) bool) { yield(row, nil) },
	})
	return err
}

func describeApp(ctx context.Context, c *client, app string, db store.DBName) ([]any, error) {
	info, err := infoOf(ctx, c, db)
	if err != nil {
		return nil, err
	}
	raw, err := c.Security(ctx, db)
	if err != nil {
		return nil, err
	}
	var security struct {
		Members struct{ Names, Roles []string }
	}
	if err := json.Unmarshal(raw, &security); err != nil {
		return nil, fmt.Errorf("_security of %s: %w", db, err)
	}
	list, err := designdocs.List(ctx, c, db)
	if err != nil {
		return nil, err
	}
	designs := make([]string, len(list))
	for i, d := range list {
		designs[i] = d.Name
	}
	return []any{app, info.Docs, info.Deleted, info.Disk, security.Members.Names, security.Members.Roles, designs}, nil
}

func newAppDelete(g *globals) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "delete APP --yes",
		Short: "Delete an app with all its docs and rejects",
		Long: `Delete an app with all its docs and rejects, for good. Without --yes it only tells how many there are. It takes an admin's
account.

  logctl app delete shop --yes

Exit status: 0 done, 1 failed, 2 usage (or --yes is missing), 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runAppDelete(c.Context(), streamsOf(c), g, args[0], yes)
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "really delete it")
	return c
}

func runAppDelete(ctx context.Context, std streams, g *globals, app string, yes bool) error {
	db, err := store.AppDB(app)
	if err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	info, err := infoOf(ctx, c, db)
	if err != nil {
		return c.explain(err, app)
	}
	if !yes {
		return hinted(usagef("app %s has %s; they would be gone for good", app, count(info.Docs, "doc")), "logctl app delete "+app+" --yes")
	}
	rejects, err := store.RejectsDB(app)
	if err == nil {
		err = c.DropDatabase(ctx, rejects)
	}
	if err != nil && !store.IsKind(err, store.KindNotFound) {
		return c.explain(err, app)
	}
	if err := c.DropDatabase(ctx, db); err != nil {
		return c.explain(err, app)
	}
	fmt.Fprintf(std.err, "logctl: deleted app %s with %s\n", app, count(info.Docs, "doc"))
	return nil
}
