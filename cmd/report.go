package cmd

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/when"
	"logctl/reports"
	"logctl/store"
)

func newReport(g *globals) *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Answer questions about an app: attacks, attackers",
		Args:  usageArgs(cobra.NoArgs),
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newReportAttackers(g), newReportAttacks(g))
	return c
}

const timeHelp = `
A time is 90m, 36h, 7d, 2w or 1y ago, now, today, yesterday, a day of the week (the last one, or today), 2026-11-01,
"2026-11-01 13:00", or RFC 3339. --since is in, --until is not; a day without a time of day means its beginning, so
--since yesterday --until today is all of yesterday. Log lines hold what a clock on the wall showed: --tz says in
which zone that clock is, so that 7d and RFC 3339 meet it. Times are shown as the lines had them.

On a terminal the answer is a table; in a pipe it is plain rows, with tabs between cells and no heading.

Exit status: 0 done, also when there is nothing to tell; 1 failed, 2 usage, 4 not allowed, 5 try again later.`

// reportOptions are what all reports share.
type reportOptions struct {
	outputFlag
	app              string
	since, until, tz string
}

func (o *reportOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.app, "app", "fail2ban", "the app to report on")
	fs.StringVar(&o.since, "since", "", "leave out what is older (default: nothing is)")
	fs.StringVar(&o.until, "until", "", "leave out what is not older (default: nothing is)")
	fs.StringVar(&o.tz, "tz", "", "time zone of the clocks that the lines show: Local, UTC, Europe/Madrid, … (default Local)")
	o.outputFlag.addFlags(fs)
}

// window checks the options and gives the database and the time that they mean.
func (o *reportOptions) window(now time.Time) (db store.DBName, w reports.Window, err error) {
	if err := o.check(); err != nil {
		return "", w, err
	}
	if db, err = store.AppDB(o.app); err != nil {
		return "", w, usage(err)
	}
	loc, err := when.Zone(o.tz)
	if err != nil {
		return "", w, usage(err)
	}
	for _, f := range []struct {
		flag, text string
		wall       *when.Wall
	}{{"--since", o.since, &w.Since}, {"--until", o.until, &w.Until}} {
		if f.text == "" {
			continue
		}
		if *f.wall, err = when.Parse(f.text, now, loc); err != nil {
			return "", w, usagef("%s: %w", f.flag, err)
		}
	}
	if w.Since != 0 && w.Until != 0 && w.Since >= w.Until {
		return "", w, usagef("nothing is between --since %s and --until %s", w.Since, w.Until)
	}
	return db, w, nil
}

// nothing tells that a report is empty.
func (o *reportOptions) nothing(std streams, what string, w reports.Window) {
	fmt.Fprintf(std.err, "logctl: %s\n", strings.TrimSpace(fmt.Sprintf("no %s in app %s %s", what, o.app, w)))
}

type attackersOptions struct {
	reportOptions
	limit, min           int
	machine, process, ip string
	groupBy              string
	geoip                geoipFlag
}

func newReportAttackers(g *globals) *cobra.Command {
	o := &attackersOptions{}
	c := &cobra.Command{
		Use:   "attackers",
		Short: "Which addresses attacked, how often, first and last when",
		Long: `Which addresses attacked, how often, first and last when, through what and where: the most frequent first.

  logctl report attackers --since 7d
  logctl report attackers --since monday --process sshd --limit 0 -o csv
  logctl report attackers --ip 192.0.2.0/24 -o json
  logctl report attackers --group-by network
  logctl report attackers --group-by asn --geoip GeoLite2-ASN.mmdb

An attack is a doc with an address and a time whose outcome is "failure", as of a login, whose event is "ban", or that has no
event. A network is the /24 of an IPv4 address and the /48 of an IPv6 one. Countries and systems (ASN) are looked up now, in the
databases that --geoip names, so it does not matter how the docs were written.
` + timeHelp,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return runAttackers(c.Context(), streamsOf(c), g, o)
		},
	}
	fs := c.Flags()
	o.addFlags(fs)
	fs.IntVar(&o.limit, "limit", 20, "addresses or groups at most, 0 for all")
	fs.IntVar(&o.min, "min", 1, "leave out addresses or groups with fewer attacks")
	fs.StringVar(&o.groupBy, "group-by", byAddress, byAddress+", "+strings.Join(groupings, ", "))
	o.geoip.addFlags(fs, "MaxMind databases (.mmdb, with commas between) for --group-by country and asn")
	fs.StringVar(&o.machine, "machine", "", "count attacks on this machine alone")
	fs.StringVar(&o.process, "process", "", "count attacks through this process (fail2ban's jail) alone")
	fs.StringVar(&o.ip, "ip", "", "this address, or the addresses of a network such as 192.0.2.0/24, alone")
	return c
}

// checkIP refuses what was meant for an address or a network and is none. The name of a host may stand in their place.
func (o *attackersOptions) checkIP() error {
	meant := o.ip != "" && (strings.ContainsAny(o.ip, "/:") || strings.Trim(o.ip, ".0123456789") == "")
	if !meant {
		return nil
	}
	if _, err := netip.ParseAddr(o.ip); err == nil {
		return nil
	}
	if _, err := netip.ParsePrefix(o.ip); err != nil {
		return usagef("--ip %q is neither an address nor a network such as 192.0.2.0/24", o.ip)
	}
	return nil
}

func runAttackers(ctx context.Context, std streams, g *globals, o *attackersOptions) error {
	if o.limit < 0 || o.min < 0 {
		return usagef("--limit and --min must not be below zero")
	}
	if err := o.checkIP(); err != nil {
		return err
	}
	db, w, err := o.window(time.Now())
	if err != nil {
		return err
	}
	grouping, err := o.grouping(noter(std.err))
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	q := reports.AttackersQuery{Window: w, Limit: o.limit, Min: int64(o.min), Machine: o.machine, Process: o.process, IP: o.ip}
	if grouping != nil {
		q.Limit, q.Min = 0, 0
	}
	top, found, err := reports.Attackers(ctx, c, db, q)
	if err != nil {
		return c.explain(err, o.app)
	}
	result, shown, what := reports.AttackersResult(top), len(top), "addresses"
	if grouping != nil {
		var groups []reports.Group
		groups, found = reports.Groups(top, *grouping, o.limit, int64(o.min))
		result, shown, what = reports.GroupsResult(groups, *grouping), len(groups), "groups"
	}
	if found == 0 {
		o.nothing(std, "attackers", w)
	}
	if _, err := o.write(std.out, result); err != nil {
		return err
	}
	if found > shown {
		fmt.Fprintf(std.err, "logctl: %d of %d %s; --limit 0 shows all\n", shown, found, what)
	}
	return nil
}

type attacksOptions struct {
	reportOptions
	by string
}

func newReportAttacks(g *globals) *cobra.Command {
	var names []string
	for _, by := range reports.Bys() {
		names = append(names, string(by))
	}
	o := &attacksOptions{}
	c := &cobra.Command{
		Use:   "attacks",
		Short: "How many attacks there were, by time, machine or process",
		Long: `How many attacks there were in each ` + strings.Join(names, ", ") + `.

  logctl report attacks --since 30d
  logctl report attacks --by hour --since yesterday --until today
  logctl report attacks --by machine -o json

An attack is a doc with an address and a time whose outcome is "failure", as of a login, whose event is "ban", or that has no
event. Weeks begin on Monday. A table on a terminal shows periods without an attack between others too, as long as they are few; other
forms leave them out.
` + timeHelp,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return runAttacks(c.Context(), streamsOf(c), g, o)
		},
	}
	o.addFlags(c.Flags())
	c.Flags().StringVar(&o.by, "by", "day", "count by "+strings.Join(names, ", "))
	return c
}

func runAttacks(ctx context.Context, std streams, g *globals, o *attacksOptions) error {
	by := reports.By(o.by)
	if !slices.Contains(reports.Bys(), by) {
		return usagef("attacks can't be counted by %q: --by is one of %v", o.by, reports.Bys())
	}
	db, w, err := o.window(time.Now())
	if err != nil {
		return err
	}
	c, err := g.client(ctx, std)
	if err != nil {
		return err
	}
	defer c.Close()
	buckets, err := reports.Attacks(ctx, c, db, w, by)
	if err != nil {
		return c.explain(err, o.app)
	}
	if len(buckets) == 0 {
		o.nothing(std, "attacks", w)
	}
	if out := o.output(std.out); out.Terminal && (out.Format == reports.Auto || out.Format == reports.Table) {
		buckets = reports.FillGaps(buckets, by)
	}
	_, err = o.write(std.out, reports.AttacksResult(buckets, by))
	return err
}
