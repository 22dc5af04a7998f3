package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/admin"
	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/internal/terminal"
	"logctl/reports"
	"logctl/store"
)

func newUser(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "user",
		Short: "Add, list and remove the accounts that may read",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newUserAdd(g), newUserList(g), newUserRemove(g))
	return c
}

type userAddOptions struct {
	readers, analysts []string // apps, or "*"
	passwordFile      string
}

func newUserAdd(g *globals) *cobra.Command {
	o := &userAddOptions{}
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Make an account that may read, or let one do more",
		Long: `Make an account that may read apps, or let the account of that name do more. The password is the first line of
--new-password-file or of the standard input; a person is asked for it. It has 8 characters or more; an empty one leaves an
account's as it is.

  logctl user add alice --reader fail2ban
  logctl user add grafana --reader fail2ban --reader shop --new-password-file grafana.password
  logctl user add eve --analyst shop
  pass show logs/bob | logctl user add bob

A reader reads an app, its reports and its rejects. An analyst may also push design documents and change docs, which is what "logctl
design push" and "logctl reparse" do. Without either the account may read every app; so may it with --reader '*'. --user and
--password-file are who signs in to do this: it takes an admin's account, which on the machine of the store is found by itself.

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runUserAdd(c.Context(), streamsOf(c), g, o, args[0])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *userAddOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.readers, "reader", nil, "an app that the account may read, may be given again; '*' is every app (default)")
	fs.StringArrayVar(&o.analysts, "analyst", nil, "an app that the account may read and change, may be given again; '*' is every app")
	fs.StringVar(&o.passwordFile, "new-password-file", "", "file with the account's password (default: the standard input)")
}

func runUserAdd(ctx context.Context, std streams, g *globals, o *userAddOptions, name string) error {
	if err := admin.CheckUserName(name); err != nil {
		return usage(err)
	}
	if name == admin.Writer || name == app.AdminName {
		return usagef("%s is an account that a logctl serve has itself: take another name", name)
	}
	u := admin.User{Name: name}
	may, err := o.roles(&u)
	if err != nil {
		return err
	}
	password, err := o.password(ctx, std, name)
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, app := range o.analysts {
		if app == everyApp {
			continue
		}
		if err := admin.PermitApp(ctx, c, app); err != nil {
			return c.explain(err, "")
		}
	}
	change, err := admin.SetUser(ctx, c, u, password)
	if err != nil {
		return c.explain(fmt.Errorf("account %s: %w", name, err), "")
	}
	fmt.Fprintf(std.err, "logctl: account %s: %s; may %s\n", name, change, may)
	all, err := appNames(ctx, c)
	for _, app := range o.readers {
		if err == nil && app != everyApp && !slices.Contains(all, app) {
			fmt.Fprintf(std.err, "logctl: note: there is no app %s yet; logctl app list shows what there is\n", app)
		}
	}
	return c.explain(err, "")
}

// everyApp stands for all apps where one may be named.
const everyApp = "*"

// roles gives u the roles that the flags name, and says in words what they are for.
func (o *userAddOptions) roles(u *admin.User) (may string, err error) {
	readers := o.readers
	if len(readers)+len(o.analysts) == 0 {
		readers = []string{everyApp}
	}
	var all []string
	for _, kind := range []struct {
		apps  []string
		may   string
		every string
		one   func(string) string
	}{
		{readers, "read", admin.ReaderRole, admin.AppReaderRole},
		{o.analysts, "read and change", admin.AnalystRole, admin.AppAnalystRole},
	} {
		for _, app := range kind.apps {
			if app == everyApp {
				u.Roles = append(u.Roles, kind.every)
				continue
			}
			if _, err := store.AppDB(app); err != nil {
				return "", usage(err)
			}
			u.Roles = append(u.Roles, kind.one(app))
		}
		switch {
		case slices.Contains(kind.apps, everyApp):
			all = append(all, kind.may+" every app")
		case len(kind.apps) > 0:
			all = append(all, kind.may+" app "+strings.Join(kind.apps, ", "))
		}
	}
	return strings.Join(all, "; "), nil
}

// password reads the account's password; "" is none. A person types it twice, since it is not shown.
func (o *userAddOptions) password(ctx context.Context, std streams, name string) (password string, err error) {
	if o.passwordFile != "" {
		password, err = config.ReadSecret(o.passwordFile)
	} else {
		password, err = terminal.AskSecret(ctx, std.in, std.err, "Password of "+name)
	}
	if err != nil {
		return "", err
	}
	if err := admin.CheckPassword(password); err != nil {
		return "", usage(err)
	}
	if password != "" && o.passwordFile == "" && terminal.Is(std.in) {
		again, err := terminal.AskSecret(ctx, std.in, std.err, "Once more")
		if err == nil && again != password {
			err = usagef("the two differ: nothing was changed")
		}
		return password, err
	}
	return password, nil
}

func newUserList(g *globals) *cobra.Command {
	o := &outputFlag{}
	c := &cobra.Command{
		Use:   "list",
		Short: "List the accounts and what they may read",
		Long: `List the accounts with their roles: log_reader may read every app, log_reader_APP that one, log_analyst and log_analyst_APP
may change docs and design documents, too. The admins of a store are not among them. It takes an admin's account.

  logctl user list

Exit status: 0 done, 1 failed, 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runUserList(c.Context(), streamsOf(c), g, o) },
	}
	o.addFlags(c.Flags())
	return c
}

func runUserList(ctx context.Context, std streams, g *globals, o *outputFlag) error {
	if err := o.check(); err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	users, err := admin.Users(ctx, c)
	if err != nil {
		return c.explain(err, "")
	}
	if len(users) == 0 {
		fmt.Fprintln(std.err, "logctl: no accounts")
	}
	_, err = o.write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "name"}, {Name: "roles"}},
		Rows:    reports.Each(users, func(u admin.User) []any { return []any{u.Name, u.Roles} }),
	})
	return err
}

func newUserRemove(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove an account",
		Long: `Remove an account. It takes an admin's account.

  logctl user remove alice

Exit status: 0 done, 1 failed (or there is none), 2 usage, 4 not allowed, 5 try again later.`,
		Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			return runUserRemove(c.Context(), streamsOf(c), g, args[0])
		},
	}
}

func runUserRemove(ctx context.Context, std streams, g *globals, name string) error {
	if err := admin.CheckUserName(name); err != nil {
		return usage(err)
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := admin.RemoveUser(ctx, c, name); err != nil {
		return c.explain(err, "")
	}
	fmt.Fprintf(std.err, "logctl: removed account %s\n", name)
	return nil
}
