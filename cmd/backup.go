package cmd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"logctl/internal/backup"
	"logctl/store"
)

func newBackup(g *globals) *cobra.Command {
	app := ""
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write all apps, or one, into a file",
		Long: `Write the apps of a store, embedded or an Apache CouchDB, into one compressed file with a checksum: docs with attachments and
conflicts, permissions, design documents and, of a whole server, the accounts. The server may go on running and taking lines. FILE is
there once it is complete, and replaces one of that name.

  logctl backup logctl.backup
  logctl backup --app fail2ban /mnt/fail2ban.backup

Old revisions and the rows of views are left out; views are built anew where the backup is restored. It takes an admin's account.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runBackup(c.Context(), streamsOf(c), g, args[0], app)
		},
	}
	c.Flags().StringVar(&app, "app", "", "this app alone")
	return c
}

func newRestore(g *globals) *cobra.Command {
	app := ""
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the apps of a backup anew",
		Long: `Make the apps of a backup, or one of them, in a store that does not have them, embedded or an Apache CouchDB. The file is read
to its end first: nothing is made out of one that is damaged or cut short. Accounts are added to those there are.

  logctl restore logctl.backup
  logctl restore --app fail2ban --url https://couchdb:5984 --user admin --password-file admin.password logctl.backup

It takes an admin's account.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runRestore(c.Context(), streamsOf(c), g, args[0], app)
		},
	}
	c.Flags().StringVar(&app, "app", "", "this app alone")
	return c
}

const usersDB store.DBName = "_users"

// backedUp are those of a server's databases that are backed up: of all apps and the accounts, or of one app.
func backedUp(all []store.DBName, app string) ([]store.DBName, error) {
	if app == "" {
		return slices.DeleteFunc(slices.Clone(all), func(db store.DBName) bool { return strings.HasPrefix(string(db), "_") && db != usersDB }), nil
	}
	own, err := store.AppDB(app)
	if err != nil {
		return nil, usage(err)
	}
	rejects, err := store.RejectsDB(app)
	if err != nil {
		return nil, usage(err)
	}
	return slices.DeleteFunc(slices.Clone(all), func(db store.DBName) bool { return db != own && db != rejects }), nil
}

func runBackup(ctx context.Context, s streams, g *globals, file, app string) error {
	c, err := g.client(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := c.Databases(ctx)
	if err != nil {
		return c.explain(err, "")
	}
	dbs, err := backedUp(all, app)
	if err != nil {
		return err
	}
	if app != "" && len(dbs) == 0 {
		return hinted(fmt.Errorf("there is no app %s", app), "logctl app list shows what there is")
	}
	var t backup.Totals
	err = writeWhole(file, func(f *os.File) (err error) {
		t, err = backup.Write(ctx, f, c, dbs)
		return err
	})
	if err != nil {
		return c.explain(err, app)
	}
	fmt.Fprintf(s.err, "logctl: %s: %s of %s\n", file, count(int64(t.Docs), "doc"), count(int64(t.Databases), "database"))
	return nil
}

// writeWhole makes a file, for this user alone, that is there when it is complete and on disk.
func writeWhole(path string, write func(f *os.File) error) error {
	if i, err := os.Stat(path); err == nil && !i.Mode().IsRegular() {
		return usagef("%s is there, and no file that a complete one could replace", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	var inDir *fs.PathError
	if errors.As(err, &inDir) { // names the temporary file
		return fmt.Errorf("%s can't be written: %w", path, inDir.Err)
	} else if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func runRestore(ctx context.Context, s streams, g *globals, file, app string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	found, _, err := backup.Verify(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	dbs, err := backedUp(found, app)
	if err != nil {
		return err
	}
	if app != "" && len(dbs) == 0 {
		return fmt.Errorf("%s holds no app %s", file, app)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	c, err := g.client(ctx, s)
	if err != nil {
		return err
	}
	defer c.Close()
	there, err := c.Databases(ctx)
	if err != nil {
		return c.explain(err, "")
	}
	for _, db := range dbs {
		if db != usersDB && slices.Contains(there, db) {
			return hinted(fmt.Errorf("%s is there already; a backup is restored where it is not", db),
				"logctl app delete removes an app; --app restores another one of the backup")
		}
	}
	t, err := backup.Restore(ctx, f, c, dbs)
	if err != nil {
		return c.explain(err, app)
	}
	fmt.Fprintf(s.err, "logctl: restored %s of %s\n", count(int64(t.Docs), "doc"), count(int64(t.Databases), "database"))
	return nil
}
