package cmd

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/cron"
	"logctl/reports"
	"logctl/store"
)

// cronPlace says where a schedule stands.
type cronPlace struct {
	systemd bool
	dir     string
}

func (p *cronPlace) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&p.systemd, "systemd", false, "a systemd timer with its service instead of a crontab line")
	fs.StringVar(&p.dir, "dir", "", "directory of units to use, without telling systemd (for packages)")
}

// units is the directory of units: the system's for root, else the account's own.
func (p *cronPlace) units() (cron.Systemd, error) {
	if p.dir != "" {
		return cron.Systemd{Dir: p.dir, Files: true}, nil
	}
	if os.Geteuid() == 0 {
		return cron.Systemd{Dir: "/etc/systemd/system"}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return cron.Systemd{}, fmt.Errorf("find the directory of your units: %w", err)
	}
	return cron.Systemd{Dir: filepath.Join(dir, "systemd", "user"), User: true}, nil
}

func newCron(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "cron",
		Short: "Ship logs on a schedule, by cron or systemd",
		Long: `Ship logs on a schedule: one crontab line, or a systemd timer with its service, that calls logctl ship.

  logctl cron install --app fail2ban --preset fail2ban --every 5m '/var/log/fail2ban.log*'
  logctl cron list
  logctl cron remove --app fail2ban

Runs never overlap, and say nothing unless something is wrong; cron mails what they say. An app has one
schedule in each place: installing again replaces it, other lines and units are not touched. Quote patterns:
one that the shell expands now does not find the files of later days.

What the environment and the flags say of the store (--data, --url, --user, --password-file) becomes part of
the schedule. A password never does: --password-file names the file that holds it.

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newCronPrint(g), newCronInstall(g), newCronRemove(), newCronList())
	return c
}

func newCronPrint(g *globals) *cobra.Command {
	o := &cronOptions{}
	c := &cobra.Command{
		Use:   "print --app APP (--preset P | --schema S) [--every 5m] FILE…",
		Short: "Show the crontab line, or the units",
		Long: `Show the crontab line, or with --systemd the units, that install would write.

  logctl cron print --app fail2ban --preset fail2ban '/var/log/fail2ban.log*'
  logctl cron print --app nginx --schema '$ip:ip _ $user' --every 1h --systemd /var/log/nginx/access.log

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error { return runCronPrint(streamsOf(c), g, o, files) },
	}
	o.addFlags(c.Flags())
	return c
}

func runCronPrint(std streams, g *globals, o *cronOptions, files []string) error {
	job, err := o.job(std.err, g, files)
	if err != nil {
		return err
	}
	if !o.systemd {
		line, err := job.Line()
		if err != nil {
			return usage(err)
		}
		_, err = fmt.Fprintln(std.out, line)
		return err
	}
	timer, service, err := job.Units()
	if err != nil {
		return usage(err)
	}
	_, err = fmt.Fprintf(std.out, "# %s\n%s\n# %s\n%s", timer.Name, timer.Text, service.Name, service.Text)
	return err
}

func newCronInstall(g *globals) *cobra.Command {
	o := &cronOptions{}
	c := &cobra.Command{
		Use:   "install --app APP (--preset P | --schema S) [--every 5m] FILE…",
		Short: "Put the app's logs on a schedule, or change it",
		Long: `Put the app's logs on a schedule, or change the one it has.

  logctl cron install --app fail2ban --preset fail2ban --every 5m '/var/log/fail2ban.log*'
  logctl cron install --app fail2ban --preset fail2ban --systemd '/var/log/fail2ban.log*'

The line goes into your crontab through crontab(1). With --systemd, root's units are the system's and anybody
else's their own; those run while the account is signed in, or always after "loginctl enable-linger". Where systemd does not
run nothing is written.

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.MinimumNArgs(1)),
		RunE: func(c *cobra.Command, files []string) error {
			return runCronInstall(c.Context(), streamsOf(c), g, o, files)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func runCronInstall(ctx context.Context, std streams, g *globals, o *cronOptions, files []string) error {
	job, err := o.job(std.err, g, files)
	if err != nil {
		return err
	}
	var changed bool
	place := "crontab"
	if o.systemd {
		units, err := o.units()
		if err != nil {
			return err
		}
		place = units.Dir
		changed, err = units.Install(ctx, job)
		if err != nil {
			return err
		}
	} else if changed, err = (cron.Crontab{}).Install(ctx, job); err != nil {
		return err
	}
	state := "installed"
	if !changed {
		state = "nothing to change"
	}
	fmt.Fprintf(std.err, "logctl: %s: %s is shipped every %s (%s)\n", state, o.app, job.Every, place)
	return nil
}

func newCronRemove() *cobra.Command {
	var place cronPlace
	var app string
	c := &cobra.Command{
		Use:   "remove --app APP",
		Short: "Take the app's logs off the schedule",
		Long: `Take the app's logs off the schedule. What is stored stays.

  logctl cron remove --app fail2ban
  logctl cron remove --app fail2ban --systemd

Exit status: 0 done, or there was nothing to remove, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCronRemove(c.Context(), streamsOf(c), &place, app) },
	}
	c.Flags().StringVar(&app, "app", "", "the app")
	place.addFlags(c.Flags())
	return c
}

func runCronRemove(ctx context.Context, std streams, place *cronPlace, app string) error {
	if err := checkApp(app); err != nil {
		return err
	}
	var changed bool
	if place.systemd || place.dir != "" {
		units, err := place.units()
		if err != nil {
			return err
		}
		if changed, err = units.Remove(ctx, app); err != nil {
			return err
		}
	} else {
		var err error
		if changed, err = (cron.Crontab{}).Remove(ctx, app); err != nil {
			return err
		}
	}
	if changed {
		fmt.Fprintf(std.err, "logctl: removed: %s is not shipped on a schedule any more\n", app)
	} else {
		fmt.Fprintf(std.err, "logctl: nothing to remove: %s is on no schedule here\n", app)
	}
	return nil
}

func newCronList() *cobra.Command {
	var place cronPlace
	c := &cobra.Command{
		Use:   "list",
		Short: "Show what is on a schedule, in the crontab and as units",
		Long: `Show what is on a schedule: app, place, times and command, with tabs between them in a pipe.

  logctl cron list

Exit status: 0 done, 1 failed, 2 usage.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runCronList(c.Context(), streamsOf(c), &place) },
	}
	c.Flags().StringVar(&place.dir, "dir", "", "directory of units to look in")
	return c
}

func runCronList(ctx context.Context, std streams, place *cronPlace) error {
	found, err := cron.Crontab{}.List(ctx)
	if err != nil && !store.IsKind(err, store.KindNotFound) { // a machine may well have no cron
		return err
	}
	units, err := place.units()
	if err != nil {
		return err
	}
	timers, err := units.List()
	if err != nil {
		return err
	}
	found = append(found, timers...)
	if len(found) == 0 {
		fmt.Fprintln(std.err, "logctl: nothing is on a schedule")
		return nil
	}
	_, err = (&outputFlag{}).write(std.out, reports.Result{
		Columns: []reports.Column{{Name: "app"}, {Name: "place"}, {Name: "times"}, {Name: "command"}},
		Rows:    reports.Each(found, func(e cron.Entry) []any { return []any{e.App, e.Place, e.Schedule, e.Command} }),
	})
	return err
}

func checkApp(app string) error {
	if app == "" {
		return usagef("which app? --app says it")
	}
	db, err := store.AppDB(app)
	if err != nil {
		return usage(err)
	}
	if db == store.TrailDB {
		return usagef("%s keeps the audit trail; an app needs another name", db)
	}
	if of, ok := db.RejectsOf(); ok {
		return usagef("%s keeps the rejects of app %s; an app needs another name", db, of)
	}
	return nil
}
