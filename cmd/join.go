package cmd

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/config"
	"logctl/internal/flock"
	"logctl/internal/identity"
	"logctl/internal/lines"
	"logctl/internal/terminal"
	"logctl/proxy/ca"
	"logctl/store"
)

type joinOptions struct {
	cronOptions
	keyDir      string
	name        string
	codeFile    string
	fingerprint string
	renew       bool
}

func newJoin(g *globals) *cobra.Command {
	o := &joinOptions{}
	c := &cobra.Command{
		Use:   "join URL [--app APP (--preset P | --schema S) FILE…]",
		Short: "Get this machine a certificate from a CA and ship its logs",
		Long: `Get this machine a certificate from the CA at URL, have ship use it, and put the logs of an app on a schedule.

  logctl join https://ca.example.com:5988 --fingerprint sha256:1f0c…
  logctl join https://ca.example.com:5988 --url https://log.example.com:5984 \
    --app fail2ban --preset fail2ban '/var/log/fail2ban.log*'
  logctl join --renew

The key is made here and never leaves the machine. The code, or the secret word, is asked for, or read from the standard input
or --code-file. --fingerprint says which CA it is, as "logctl ca init" shows there; without it you are shown the one that
answers and asked whether it is right.

Key, certificate and root go to --key-dir, readable by you alone, and their names into the configuration file, where
every command finds them, and --url, if it is given, with them. With --app the files are then shipped once, all that is in
them, and every --every from then on, as by "logctl cron install". A run on the schedule renews the certificate in the last third of its life;
--renew does so now. Where there is no cron it tells which command to put on a schedule; --systemd where systemd does not run is refused
before anything is asked or written.

Run it again after any failure: it goes on where it stopped, and asks for a code only if it needs one.

Exit status: 0 done, 1 failed, 2 usage, 3 some lines rejected, 4 not allowed (a wrong code, or another CA), 5 try again later.`,
		Args: usageArgs(cobra.ArbitraryArgs),
		RunE: func(c *cobra.Command, args []string) error {
			return runJoin(c.Context(), streamsOf(c), g, o, args)
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *joinOptions) addFlags(fs *pflag.FlagSet) {
	o.cronOptions.addFlags(fs)
	fs.StringVar(&o.keyDir, "key-dir", "", "directory of the key and the certificate (default /etc/logctl for root, else ~/.config/logctl)")
	fs.StringVar(&o.name, "name", "", "name of this machine (default: its host name)")
	fs.StringVar(&o.codeFile, "code-file", "", "file with the code or the secret word (default: the standard input)")
	fs.StringVar(&o.fingerprint, "fingerprint", "", "fingerprint of the CA: sha256:…")
	fs.BoolVar(&o.renew, "renew", false, "renew the certificate that this machine has")
}

// directory is where key and certificate are, as an absolute path.
func (o *joinOptions) directory() (string, error) {
	dir := cmp.Or(o.keyDir, config.Dir(os.Getenv))
	if dir == "" {
		return "", usagef("no directory for the key: set --key-dir or HOME")
	}
	return filepath.Abs(dir)
}

func runJoin(ctx context.Context, std streams, g *globals, o *joinOptions, args []string) error {
	dir, err := o.directory()
	if err != nil {
		return err
	}
	if o.renew {
		if len(args) > 0 || o.app != "" {
			return usagef("--renew takes no URL, no app and no files: what it needs is in %s", dir)
		}
		return renewNow(ctx, std, dir)
	}
	if len(args) == 0 {
		return hinted(usagef("which CA?"), "logctl join https://ca.example.com:5988")
	}
	files := args[1:]
	if err := o.check(ctx, g, files); err != nil {
		return err
	}
	release, err := lockIdentity(dir)
	if err != nil {
		return err
	}
	cert, err := identity.Join(ctx, identity.Options{
		Dir: dir, CA: strings.TrimSuffix(args[0], "/"), Fingerprint: o.fingerprint, Name: o.name,
		Secret:  func() (string, error) { return o.secret(ctx, std) },
		Confirm: confirmFingerprint(ctx, std),
	})
	release()
	if err != nil {
		return o.explain(err, dir)
	}
	sayCertificate(std.err, cert)
	if err := o.configure(std.err, g, dir); err != nil {
		return err
	}
	if o.app == "" {
		return nil
	}
	unscheduled := runCronInstall(ctx, std, g, &o.cronOptions, files)
	if unscheduled != nil && !o.systemd && !store.IsKind(unscheduled, store.KindNotFound) {
		return unscheduled
	}
	err = o.ship(ctx, std, g, files)
	if unscheduled == nil {
		return err
	}
	exitStatus(std.err, err)
	return o.scheduleElse(g, files, unscheduled)
}

// scheduleElse adds to why there is no schedule what to put on one by other means.
func (o *joinOptions) scheduleElse(g *globals, files []string, unscheduled error) error {
	job, err := o.job(io.Discard, g, files)
	if err != nil {
		return err
	}
	command, err := job.Command()
	if err != nil {
		return err
	}
	hint := fmt.Sprintf("all else is done; have another scheduler run this every %s: %s", job.Every, command)
	if !o.systemd {
		hint = "--systemd means a timer of systemd's instead; else " + hint
	}
	return hinted(unscheduled, hint)
}

// check finds mistakes before anything is asked or made.
func (o *joinOptions) check(ctx context.Context, g *globals, files []string) error {
	if o.name == "" {
		name, err := hostname()
		if err != nil {
			return err
		}
		o.name = name
	}
	if err := ca.CheckName(o.name); err != nil {
		return hinted(usage(fmt.Errorf("the name %q: %w", o.name, err)), "--name gives the machine another")
	}
	if o.fingerprint != "" {
		if _, err := ca.ParseFingerprint(o.fingerprint); err != nil {
			return usage(fmt.Errorf("--fingerprint: %w", err))
		}
	}
	if o.app == "" {
		if len(files) > 0 {
			return usagef("files are for an app: --app says which, --preset or --schema what is in them")
		}
		return nil
	}
	conf, err := g.config()
	if err != nil {
		return err
	}
	if conf.URL == "" {
		return hinted(usagef("where do the logs go?"), "--url https://log.example.com:5984, or LOGCTL_URL")
	}
	if len(files) == 0 {
		return usagef("which files? Name them behind the URL of the CA, patterns in quotes")
	}
	job, err := o.job(io.Discard, g, files)
	if err != nil || !o.systemd {
		return err
	}
	units, err := o.units()
	if err != nil {
		return err
	}
	return units.Check(ctx, job)
}

// secret is the code or the secret word.
func (o *joinOptions) secret(ctx context.Context, std streams) (string, error) {
	if o.codeFile != "" {
		return config.ReadSecret(o.codeFile)
	}
	secret, err := terminal.AskSecret(ctx, std.in, std.err, "Code, or the secret word")
	if err == nil && secret == "" {
		err = hinted(usagef("no code was given"), "on the CA's machine: logctl ca code --for "+o.name)
	}
	return secret, err
}

// confirmFingerprint asks a person, if there is one.
func confirmFingerprint(ctx context.Context, std streams) func(string) error {
	if !terminal.Is(std.in) {
		return nil
	}
	return func(fingerprint string) error {
		fmt.Fprintf(std.err, "The CA's fingerprint is %s\nIs it what \"logctl ca init\" shows on the CA's machine? Type yes: ", fingerprint)
		line, err := bufio.NewReader(io.LimitReader(lines.Until(ctx, std.in), 64)).ReadString('\n')
		if err != nil || strings.TrimSpace(line) != "yes" {
			return store.NewError(store.KindForbidden, "the CA's fingerprint was not confirmed")
		}
		return nil
	}
}

// explain adds what a person may do about what the CA says.
func (o *joinOptions) explain(err error, dir string) error {
	switch {
	case hintOf(err) != "":
		return err
	case store.IsKind(err, store.KindForbidden):
		return hinted(err, "a code is good once, for one name and some time: logctl ca code --for "+o.name+" on the CA's machine makes another")
	case store.IsKind(err, store.KindConflict):
		return hinted(err, "if that machine is no more: logctl ca revoke "+o.name+" on the CA's machine; else --name gives this one another name")
	case store.IsKind(err, store.KindBadRequest):
		return usage(err)
	case errors.Is(err, os.ErrPermission):
		return hinted(err, "run it as root, or keep the key elsewhere: --key-dir DIR instead of "+dir)
	}
	return err
}

func sayCertificate(w io.Writer, cert identity.Certificate) {
	state := "has a certificate"
	if cert.New {
		state = "got a certificate"
	}
	fmt.Fprintf(w, "logctl: %s %s, good until %s\n", cert.Name, state, cert.Until.Local().Format(time.DateTime))
}

// configure writes into the configuration file where the certificate is, and the server if the command line tells.
func (o *joinOptions) configure(w io.Writer, g *globals, dir string) error {
	p := identity.In(dir)
	values := map[string]string{"LOGCTL_CERT_FILE": p.Cert, "LOGCTL_KEY_FILE": p.Key, "LOGCTL_CA_FILE": p.Root}
	if g.flags.URL != "" {
		values["LOGCTL_URL"] = g.flags.URL
	}
	path, changed, err := config.Set(os.Getenv, values)
	if err != nil {
		return err
	}
	if changed {
		fmt.Fprintf(w, "logctl: %s names the certificate\n", path)
	}
	return nil
}

// ship is the first run of what is on the schedule from now on.
func (o *joinOptions) ship(ctx context.Context, std streams, g *globals, files []string) error {
	c := newShip(g)
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(append(append([]string{"--app", o.app, "--lock"}, o.formatFlags.args()...), files...))
	c.SetIn(std.in)
	c.SetOut(std.out)
	c.SetErr(std.err)
	return c.ExecuteContext(ctx)
}

// lockIdentity keeps two runs from getting a certificate at the same time.
func lockIdentity(dir string) (release func(), err error) {
	return flock.Lock(filepath.Join(dir, "join.lock"))
}

func renewNow(ctx context.Context, std streams, dir string) error {
	release, err := lockIdentity(dir)
	if err != nil {
		return err
	}
	defer release()
	cert, err := identity.Renew(ctx, dir)
	if err != nil {
		return err
	}
	sayCertificate(std.err, cert)
	return nil
}

// renewTime is how long a run that has other things to do tries to renew.
const renewTime = 10 * time.Second

// renewIfDue renews the certificate that this machine has joined with if its end is near. A failure is a note: the old one is good
// yet, and the next run tries again.
func renewIfDue(ctx context.Context, w io.Writer, g *globals) {
	conf, err := g.config()
	if err != nil || conf.CertFile == "" {
		return
	}
	dir := filepath.Dir(conf.CertFile)
	if identity.In(dir).Cert != conf.CertFile || !identity.Due(dir, time.Now()) {
		return
	}
	release, err := lockIdentity(dir)
	if err != nil {
		return // somebody else is at it
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, renewTime)
	defer cancel()
	if _, err := identity.Renew(ctx, dir); err != nil {
		fmt.Fprintf(w, "logctl: note: the certificate of this machine was not renewed: %s\n", oneLine(err.Error()))
	}
}
