package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"logctl/internal/admin"
	"logctl/internal/app"
	"logctl/internal/config"
	"logctl/store"
	"logctl/store/couch"
	"logctl/store/couchpath"
	"logctl/store/replicate"
)

// sideOptions are the flags of one side of a replication.
type sideOptions struct {
	data, user, passwordFile string
}

type replicateOptions struct {
	source, target sideOptions
	continuous     bool
}

func newReplicate(g *globals) *cobra.Command {
	o := &replicateOptions{}
	c := &cobra.Command{
		Use:   "replicate SOURCE TARGET",
		Short: "Copy what has changed in one app or CouchDB database to another",
		Long: `Copy to TARGET what it lacks of SOURCE: docs with their revisions, conflicts, deletions, attachments and design
documents. Each of the two is an app of the store that the settings name, or the URL of a database:

  logctl replicate fail2ban https://db.example.com/log_fail2ban --target-user admin --target-password-file admin.password
  logctl replicate http://couchdb:5984/log_shop shop --source-user admin --source-password-file couchdb.password
  logctl replicate shop shop --source-data /mnt/old/logctl
  logctl replicate shop shop_copy

--source-data and --target-data say that an app is in the embedded store of that directory. Passwords stand in files, whose
first line is read; a URL that holds one is refused. --ca-file (LOGCTL_CA_FILE) counts for URLs here, too. A target that is missing is made, where the account may do so.

Run it again to copy what is new: it goes on where it came to, as does CouchDB's own replicator where it is asked for the same.
With --continuous it keeps copying what changes until it is stopped, and waits for a side that is away. At the end it asks the
target once more for every revision of the source and tells how many it lacks.

Exit status: 0 done, 1 failed, 2 usage, 3 some docs were refused by the target or are missing there, 4 not allowed, 5 a
side is away: try again later.`,
		Args: usageArgs(cobra.ExactArgs(2)),
		RunE: func(c *cobra.Command, args []string) error {
			return runReplicate(c.Context(), streamsOf(c), g, o, args[0], args[1])
		},
	}
	o.addFlags(c.Flags())
	return c
}

func (o *replicateOptions) addFlags(fs *pflag.FlagSet) {
	for _, side := range []struct {
		name string
		o    *sideOptions
	}{{"source", &o.source}, {"target", &o.target}} {
		fs.StringVar(&side.o.data, side.name+"-data", "", "directory of the embedded store with the "+side.name)
		fs.StringVar(&side.o.user, side.name+"-user", "", "account to sign in with at the "+side.name+"'s URL")
		fs.StringVar(&side.o.passwordFile, side.name+"-password-file", "", "file with the password of --"+side.name+"-user")
	}
	fs.BoolVar(&o.continuous, "continuous", false, "go on with what will change, until stopped")
}

// exists errs where a directory has no store: to open it would make one.
func (o *sideOptions) exists() error {
	if o.data == "" {
		return nil
	}
	if _, err := os.Stat(filepath.Join(o.data, "store")); err != nil {
		return usagef("there is no embedded store in %s", o.data)
	}
	return nil
}

// side is one of the two databases of a replication, and the way to it.
type side struct {
	conn *app.Conn
	peer replicate.Peer
	app  string // its app; "" for a database that was named by its URL
}

func runReplicate(ctx context.Context, std streams, g *globals, o *replicateOptions, source, target string) error {
	if err := o.source.exists(); err != nil {
		return err
	}
	from, err := openSide(ctx, std, g, &o.source, source, nil)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	defer from.conn.Close()
	to, err := openSide(ctx, std, g, &o.target, target, from)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if to.conn != from.conn {
		defer to.conn.Close()
	}
	if to.peer.URL == from.peer.URL && to.conn == from.conn {
		return usagef("source and target are the same database")
	}
	t := &teller{w: std.err, every: 2 * time.Second, at: time.Now()}
	opts := replicate.Options{
		Source: from.peer, Target: to.peer, Continuous: o.continuous, CreateTarget: to.app == "", Progress: t.progress, Refused: t.refused,
	}
	err = to.run(ctx, opts, t)
	if err == nil || t.stats.Checked > 0 {
		t.total()
	}
	switch {
	case o.continuous && errors.Is(err, context.Canceled):
		return nil
	case err != nil:
		return explainPeer(err)
	}
	if to.app != "" && t.made {
		if err := ensureApp(ctx, to.conn, to.app); err != nil {
			return err
		}
	}
	return verify(ctx, std, opts, t)
}

// explainPeer adds to an error about one of the two databases what a person may do next.
func explainPeer(err error) error {
	var at *replicate.PeerError
	if !errors.As(err, &at) || hintOf(err) != "" {
		return err
	}
	side := "source"
	if at.Target {
		side = "target"
	}
	switch {
	case store.IsKind(err, store.KindUnauthorized), store.IsKind(err, store.KindForbidden):
		return hinted(err, "--"+side+"-user NAME --"+side+"-password-file FILE sign in at the "+side+"'s URL, with an account that may do this")
	case store.IsKind(err, store.KindNotFound):
		return hinted(err, "logctl app list, with --data DIR or --url URL, shows the apps of a store; the database of an app is log_APP")
	}
	return err
}

// openSide finds the way to a database. One that other leads to, too, is shared: a data directory opens once.
func openSide(ctx context.Context, std streams, g *globals, o *sideOptions, name string, other *side) (*side, error) {
	cfg, err := g.config()
	if err != nil {
		return nil, err
	}
	s := &side{}
	var db store.DBName
	if strings.Contains(name, "://") {
		base, last, err := splitURL(name)
		if err != nil {
			return nil, usage(err)
		}
		if o.data != "" {
			return nil, usagef("a URL is in no data directory")
		}
		cfg, db = config.Config{URL: base, CAFile: cfg.CAFile, User: o.user, PasswordFile: o.passwordFile}, last
		if o.user != "" {
			if _, err := cfg.Password(); err != nil {
				return nil, hinted(fmt.Errorf("no password for %s: %w", o.user, err),
					"--source-password-file and --target-password-file name files whose first line it is")
			}
		}
	} else {
		if err := checkApp(name); err != nil {
			return nil, err
		}
		if o.user != "" || o.passwordFile != "" {
			return nil, usagef("an account is for a URL; for an app there are --user and --password-file")
		}
		if o.data != "" {
			cfg = config.Config{Data: o.data}
			s.peer.Name = name + " in " + o.data
		}
		s.app, db = name, store.AppPrefix+store.DBName(name)
	}
	if other != nil && s.app != "" && other.app != "" && other.conn.Config == cfg {
		s.conn = other.conn
	} else if s.conn, err = app.Connect(ctx, cfg, noter(std.err)); err != nil {
		if store.IsKind(err, store.KindBadRequest) {
			err = usage(err)
		}
		return nil, err
	}
	s.peer.URL = s.conn.BaseURL + couchpath.Of(string(db))
	s.peer.Name = cmp.Or(s.peer.Name, name)
	s.peer.Transport = s.conn.Transport
	return s, nil
}

// splitURL takes the name of the database off a URL.
func splitURL(s string) (base string, db store.DBName, err error) {
	u, err := url.Parse(s)
	if err != nil || u.User != nil {
		// The rest of it is for Connect to look at, which shows no password.
		return "", "", &store.Error{Kind: store.KindBadRequest, Reason: "a URL must be one, and hold no name or password",
			Hint: "https://db.example.com/log_app, with --source-user and --source-password-file or --target-user and --target-password-file"}
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	i := strings.LastIndexByte(path, '/')
	name, err := url.PathUnescape(path[i+1:])
	if i < 0 || err != nil || name == "" {
		return "", "", fmt.Errorf("the URL %s names no database: it looks like https://db.example.com/log_app", s)
	}
	if db, err = store.ParseDBName(name); err != nil {
		return "", "", err
	}
	u.Path, u.RawPath = path[:i], ""
	return u.String(), db, nil
}

// retryPause is how long a continuous replication waits for a side that is away, at first and at most.
const (
	retryPause    = time.Second
	maxRetryPause = time.Minute
)

// run replicates, making an app that is missing as the target; a continuous one goes on after a failure that may pass.
func (s *side) run(ctx context.Context, o replicate.Options, t *teller) error {
	pause := retryPause
	for {
		before := t.stats
		_, err := replicate.Run(ctx, o)
		var at *replicate.PeerError
		switch {
		case err == nil || ctx.Err() != nil:
			return err
		case s.app != "" && !t.made && store.IsKind(err, store.KindNotFound) && errors.As(err, &at) && at.Target:
			if err := s.make(ctx); err != nil {
				return err
			}
			t.made = true
			continue
		case !o.Continuous || !store.IsKind(err, store.KindUnavailable):
			return err
		}
		if t.stats.Checked > before.Checked {
			pause = retryPause
		}
		fmt.Fprintf(t.w, "logctl: %s; trying again in %s\n", oneLine(err.Error()), pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause = min(2*pause, maxRetryPause)
	}
}

// make makes the app's databases with their permissions. Its design documents come after those of the source, which may be
// the same: otherwise they would conflict.
func (s *side) make(ctx context.Context) error {
	c, err := couch.New(couch.Options{URL: s.conn.BaseURL, Transport: s.conn.Transport})
	if err != nil {
		return err
	}
	_, err = admin.CreateApp(ctx, c, s.app, "")
	return err
}

// teller tells how a replication goes on.
type teller struct {
	w     io.Writer
	every time.Duration
	at    time.Time // when it last told something
	stats replicate.Stats
	gone  int  // docs that were refused
	made  bool // the target is new
}

func (t *teller) progress(s, _ replicate.Stats) {
	t.stats = s
	if time.Since(t.at) < t.every {
		return
	}
	t.at = time.Now()
	left := ""
	if s.Pending != nil {
		left = fmt.Sprintf(", %s to go", count(*s.Pending, "change"))
	}
	fmt.Fprintf(t.w, "logctl: %s copied%s\n", count(s.Written, "doc"), left)
}

// maxRefused is how many refused docs are told one by one.
const maxRefused = 20

func (t *teller) refused(id string, err error) {
	if t.gone++; t.gone <= maxRefused {
		fmt.Fprintf(t.w, "logctl: refused: %s: %s\n", oneLine(id), oneLine(err.Error()))
	}
}

func (t *teller) total() {
	fmt.Fprintf(t.w, "logctl: %s checked, %d missing, %d copied, %d refused\n", count(t.stats.Checked, "revision"), t.stats.Found, t.stats.Written, t.gone)
}

// verify counts what the target has of the source, and tells it.
func verify(ctx context.Context, std streams, o replicate.Options, t *teller) error {
	docs, missing, err := replicate.Missing(ctx, o)
	if err != nil {
		return fmt.Errorf("count what arrived: %w", err)
	}
	if missing == 0 {
		fmt.Fprintf(std.out, "%s: %s, all of them in %s\n", &o.Source, count(docs, "doc"), &o.Target)
		return nil
	}
	fmt.Fprintf(std.out, "%s: %s; %s not in %s\n", &o.Source, count(docs, "doc"), count(missing, "revision"), &o.Target)
	hint := "run it again: the source may have changed meanwhile"
	if t.gone > 0 {
		hint = "the target refused docs: see above, or its validate_doc_update functions and limits"
	}
	return &statusError{status: statusPartly, err: fmt.Errorf("missing in the target: %s", count(missing, "revision")), hint: hint}
}
