package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/cron"
	"logctl/format"
	"logctl/internal/app"
	"logctl/internal/flock"
	"logctl/internal/terminal"
	"logctl/ship"
	"logctl/ship/journal"
	"logctl/ship/pods"
	"logctl/store"
)

type shipOptions struct {
	formatFlags
	container  containerFlags
	source     sourceFlags
	spool      spoolFlags
	remove     removeFlags
	service    serviceFlags
	app        string
	rejects    string
	maxRejects int
	wait       time.Duration
	quiet      bool
	lock       bool
	follow     bool
	sockets    []string
	state      string
	again      bool
	labels     func(note func(string)) *pods.Labels
}

func newShip(g *globals) *cobra.Command {
	o := &shipOptions{labels: func(note func(string)) *pods.Labels { return pods.InCluster(os.Getenv, note) }}
	c := &cobra.Command{
		Use:   "ship --app APP (--schema S | --preset P | --journal | --kernel) [FILE…|-]",
		Short: "Store lines as docs, each exactly once",
		Long: `Store the lines of files, or of the standard input, as docs of an app.

  logctl ship --app fail2ban --preset fail2ban /var/log/fail2ban.log*
  logctl ship --app auth --preset syslog '/var/log/auth.log*'
  logctl ship --app web --preset auto --follow /var/log/nginx '/srv/*/log/*.log'
  logctl ship --app auth --journal --unit ssh --follow
  logctl ship --app web --schema '$ip:ip _ _ \[$time _\] $request:quoted $status:int' '/var/log/nginx/*.log'

Running it again stores nothing twice and loses nothing, over the same or a grown file, after a failure or a
kill at any moment: a doc's id is made of what the line says and of how many equal lines came before it. A run reads what is
new since the last one; how far each file is shipped stands in --state, and is found again when the file was renamed, copied and
truncated, or compressed (gzip, zstd, bzip2, xz). Files are read oldest first; a directory means the files in it. A file that is not
there, or a pattern that no file matches, is told and makes the exit status 1, while all others are shipped; --follow waits for
it, and with --delete a pattern may find nothing. Losing the
state, or --again, means that all files are read from their beginning, and stores nothing twice. A changed --schema,
--preset or --fields does that by itself, and so does an app that was deleted. docs/delivery.md has the promise and its limits.

With --follow it does not end: a line is stored within a moment of being written, files that come later are found by pattern and
directory within ten seconds, and a server that is away is waited for. Without a serve on this machine, and without LOGCTL_URL,
the store is open in this process meanwhile, and no other command can use it.

--install-service has systemd do so from now on, as this account, with these flags; "logctl cron list" shows it.

A last line without its line end waits for it, since a program may still be writing it; in a compressed file, in a
pipe, and in a file that nobody has written to for a day it is taken as it is.

When the server stays away for longer than --wait, a file can be shipped again later. What comes through a pipe is written to
a spool on disk first (--spool-size), and waits there: the next run for the app, of whatever lines, delivers it, and "logctl status APP"
shows it. A line that is told as "not stored yet" must come again.

Lines that do not fit, are longer than --max-line, or whose docs the server refuses are rejected: counted, and kept with the
reason in the database log_APP_rejects, or as they are in the file that --rejects names, each as often as it came and no oftener
however often the command runs. Of lines that are too long the beginning is kept. "logctl status APP" shows what there is,
"logctl reparse APP" makes docs of what a better schema fits. One run keeps --max-rejects at most, and says so.

With --socket it listens at a unix socket, takes the lines of all who connect, "logctl tap SOCKET" for one, through the spool, and
does not end either.

With --truncate or --delete a file goes when all in it is stored: the server has confirmed each doc, rejected lines are kept, and the
file holds what was shipped. What is written to it meanwhile stays, and programs go on with the files that they have open; of one that
is open, whole blocks are taken out at the beginning. What can't be removed without risk stays, and is told. "logctl receipts" lists
what was removed.

With --container the lines are those of a container runtime's logs, docker (json-file) or cri: the schema or preset gets what the program
said, pieces of a long line are put together, and docs get the members "stream" and, unless they have one, "time". --kubernetes
reads /var/log/pods and adds namespace, pod, container and uid, and in a pod that may get pods their labels (docs/inputs.md).

--journal reads systemd's journal by journalctl, of all units or those that --unit names, and --kernel the kernel's messages in /dev/kmsg: what is
new since the last run, and with --follow what comes. Without a schema or preset all that they say becomes docs, with the members that syslog's
have; a schema is for the message. What was removed there before it was read is an error, once.

Docs get the member "machine" with this machine's name unless they have one; --fields machine=NAME sets another.
--geoip adds what is known of addresses (docs/geoip.md). It is no part of a doc's id, so nothing is stored twice when the
databases change; that takes an account or a store of one's own, while a door adds it itself: logctl serve --geoip.

An app that does not exist is made, where the account may do so. --quiet says nothing unless something is wrong:
rejected lines and what waits are then not told.

Exit status: 0 done (lines that wait in the spool are, for a day), 1 failed (or some files could not be read; the others were),
2 usage, 3 some lines rejected or refused, 4 not allowed, 5 the server is away, or lines wait in the spool for more than a day, or
another run for the same app is under way, or the disk of --state is full: try again later.`,
		RunE: func(c *cobra.Command, files []string) error {
			return runShip(c.Context(), streamsOf(c), g, o, files)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *shipOptions) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.app, "app", "", "the app whose logs these are")
	o.formatFlags.addFlags(fs)
	o.container.addFlags(fs)
	o.source.addFlags(fs)
	fs.StringVar(&o.rejects, "rejects", "", "file that keeps rejected lines (default: the database log_APP_rejects)")
	fs.IntVar(&o.maxRejects, "max-rejects", ship.DefaultMaxRejects, "rejected lines that a run keeps at most")
	fs.DurationVar(&o.wait, "wait", time.Minute, "how long to wait for a server that is away")
	o.spool.addFlags(fs)
	o.remove.addFlags(fs)
	fs.BoolVar(&o.quiet, "quiet", false, "say nothing unless something is wrong")
	fs.BoolVar(&o.follow, "follow", false, "go on with what is written to the files, until Ctrl-C or SIGTERM")
	fs.StringArrayVar(&o.sockets, "socket", nil, "unix socket to listen at for lines, until Ctrl-C or SIGTERM; again for more")
	fs.StringVar(&o.state, "state", "", "directory that remembers how far each file is shipped (default DATA/ship, beside the store)")
	fs.BoolVar(&o.again, "again", false, "read all files from their beginning, as if nothing were remembered, neither positions nor how often equal lines came")
	o.service.addFlags(fs)
	fs.BoolVar(&o.lock, "lock", false, "do nothing while another run with --lock for the same app is under way")
}

func runShip(ctx context.Context, std streams, g *globals, o *shipOptions, files []string) error {
	if err := checkApp(o.app); err != nil {
		return err
	}
	if o.wait < 0 {
		return usagef("--wait must not be below zero")
	}
	if o.maxRejects < 0 {
		return usagef("--max-rejects must not be below zero")
	}
	if o.container.kubernetes && len(files) == 0 {
		files = []string{podLogs}
	}
	if err := o.checkSources(files); err != nil {
		return err
	}
	o.follow = o.follow || len(o.sockets) > 0
	if (o.follow || o.service.install) && (len(files) == 0 && len(o.sockets) == 0 && o.container.carrier() == "" || slices.Contains(files, ship.Stdin)) {
		return hinted(usagef("--follow needs files, patterns or directories"), "what comes through a pipe is shipped as it comes without --follow")
	}
	o.silent = o.quiet
	formatter, runtime, err := o.container.formatter(&o.formatFlags, std.err, g)
	if err != nil {
		return err
	}
	if runtime != "" && (o.remove.truncate || o.remove.delete || len(o.sockets) > 0) {
		return usagef("--container and --kubernetes go without --socket, --truncate and --delete: a runtime removes its logs itself")
	}
	if o.service.install {
		return o.installService(ctx, std, g, files)
	}
	extend, err := o.geoip.extend(noter(std.err))
	if err != nil {
		return err
	}
	if o.lock {
		release, err := o.takeLock(g)
		if err != nil {
			return err
		}
		defer release()
	}
	renewIfDue(ctx, std.err, g)
	tell := noter(std.err)
	if o.quiet {
		tell = nil
	}
	conn, err := g.connect(ctx, tell)
	if err != nil {
		return err
	}
	defer conn.Close()
	if extend != nil && conn.Anonymous {
		return hinted(store.NewError(store.KindForbidden, "--geoip needs an account: a door lets a stranger choose an id only if it follows from the whole doc"),
			"logctl serve --geoip FILE adds the same to what strangers send")
	}
	extend = o.container.withLabels(o.labels(func(text string) { fmt.Fprintf(std.err, "logctl: note: %s\n", oneLine(text)) }), extend)
	machine, err := o.machine()
	if err != nil {
		return err
	}
	if len(files) == 0 && len(o.sockets) == 0 && o.container.carrier() == "" && terminal.Is(std.in) && !o.quiet {
		fmt.Fprintln(std.err, "logctl: reading lines from the terminal, Ctrl-D ends them")
	}
	so := ship.Options{
		Endpoint: ship.Endpoint{BaseURL: conn.BaseURL, Transport: conn.Transport, Anonymous: conn.Anonymous, Compress: !conn.InProcess},
		App:      o.app, Inputs: files, Sockets: o.sockets, Stdin: std.in, Machine: machine, MaxLine: o.maxLine, Rejects: o.rejects, Wait: o.wait,
		MaxRejects: cmp.Or(o.maxRejects, -1), Extend: extend, Pieces: pieces(runtime),
		Format: func(reference time.Time) ship.Formatter {
			formatter.SetReference(reference)
			return shipFormatter{formatter}
		},
	}
	if err := o.remember(ctx, conn, machine, &so); err != nil {
		return err
	}
	if so.Spool, err = o.spool.options(conn.Config, o.app, conn.InProcess); err != nil {
		return err
	}
	names := o.addSources(&so)
	if o.follow {
		o.startFollow(std.err, conn, &so, slices.Concat(files, o.sockets, names))
	}
	if err := o.remove.apply(&so); err != nil {
		return err
	}
	if !conn.Anonymous {
		so.EnsureApp = func(ctx context.Context) (about string, err error) {
			if err := ensureApp(ctx, conn, o.app); err != nil {
				return "", err
			}
			db, err := store.AppDB(o.app)
			if err == nil {
				about, _ = databaseBorn(ctx, conn, db)
			}
			return about, err
		}
	}
	endProgress := func() {}
	if terminal.Is(std.err) && !o.quiet {
		bar := terminal.NewBar(std.err)
		so.Progress, endProgress = func(p ship.Progress) { bar.Draw(p.Lines, p.Bytes, p.Size) }, bar.Clear
	}
	sum, err := ship.Run(ctx, so)
	for gone := (*journal.GoneError)(nil); errors.As(err, &gone); gone = nil {
		sum, err = o.journalAnew(ctx, so, gone)
	}
	endProgress()
	if o.quiet && store.IsKind(err, store.KindLocked) {
		err = &statusError{status: statusTryLater}
	}
	switch {
	case errors.Is(err, filepath.ErrBadPattern):
		return usage(err)
	case store.IsKind(err, store.KindDocValidation):
		err = hinted(usage(err), "give it another name in --schema or --fields")
	}
	return o.conclude(std.err, sum, err, conn)
}

// machine is the name that docs get unless they have one of their own; rejects get it too, so that docs made of them are the same.
func (o *shipOptions) machine() (string, error) {
	fields, err := format.ParseFields(o.Fields)
	if err != nil {
		return "", usage(err)
	}
	for _, f := range slices.Backward(fields) {
		if f.Key == "machine" {
			return f.Value, nil
		}
	}
	name, err := os.Hostname()
	if err != nil {
		return "", hinted(fmt.Errorf("find this machine's name: %w", err), "--fields machine=NAME")
	}
	return name, nil
}

// takeLock takes the lock of the app's runs. With --quiet a run that finds it taken ends without a word.
func (o *shipOptions) takeLock(g *globals) (release func(), err error) {
	c, err := g.config()
	if err != nil {
		return nil, err
	}
	release, err = flock.Lock(cron.LockPath(c.Data, o.app))
	if o.quiet && store.IsKind(err, store.KindLocked) {
		err = &statusError{status: statusTryLater}
	}
	return release, err
}

// conclude tells what a run has done and gives the error that ends the command.
func (o *shipOptions) conclude(w io.Writer, sum ship.Summary, err error, conn *app.Conn) error {
	if !o.follow { // else they were told as they came
		o.sayProblems(w, sum)
	}
	for _, r := range sum.Reasons {
		fmt.Fprintf(w, "logctl: error: the server refuses %s: %s\n", count(r.Lines, "line"), oneLine(r.Text))
	}
	if !o.quiet {
		if sum.Unfinished > 0 {
			fmt.Fprintf(w, "logctl: %s left for the next run\n", count(int64(sum.Unfinished), "unfinished line"))
		}
		if sum.Elapsed > 0 {
			fmt.Fprintf(w, "logctl: %s\n", summaryLine(sum, conn.Anonymous))
		}
		if sum.Kept.Lines > 0 && o.rejects == "" && err == nil {
			by := "logctl status " + o.app
			if conn.Anonymous {
				by = "logctl explain FILE, with the same schema or preset,"
			}
			fmt.Fprintf(w, "logctl: hint: %s shows why lines are rejected\n", by)
		}
	}
	sayNotKept(w, sum.Kept, o)
	late := o.tellSpool(w, sum)
	switch {
	case err != nil:
		return err
	case late != nil:
		return late
	case len(sum.Problems) > 0 && !o.follow:
		return &statusError{status: statusFailed}
	case sum.Rejected+sum.Refused > 0:
		return &statusError{status: statusPartly}
	}
	return nil
}

// shipFormatter is a format.Formatter as ship wants one.
type shipFormatter struct{ *format.Formatter }

// Begin is ship's.
func (f shipFormatter) Begin(name string, ahead func(int) []byte) (again func(), err error) {
	return f.Formatter.Begin(name, ahead)
}

func (f shipFormatter) Append(dst, line []byte) ([]byte, ship.Verdict) {
	dst, verdict := f.Formatter.Append(dst, line)
	switch verdict {
	case format.Matched:
		return dst, ship.Doc
	case format.Skipped:
		return dst, ship.Skip
	}
	return dst, ship.Reject
}
