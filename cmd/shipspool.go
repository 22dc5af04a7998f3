package cmd

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"logctl/internal/config"
	"logctl/ship"
)

// spoolFlags bound the spool.
type spoolFlags struct {
	size int64 // MiB
	age  time.Duration
	full string
}

func (o *spoolFlags) addFlags(fs *pflag.FlagSet) {
	fs.Int64Var(&o.size, "spool-size", 1024, "MiB that lines of a pipe may take on disk while the server is away; 0: none, they wait in the pipe")
	fs.DurationVar(&o.age, "spool-age", 0, "age of lines there at which the spool is full, 0 for any")
	fs.StringVar(&o.full, "spool-full", "wait", "what to do when it is full: wait, which stops reading, or drop the oldest and count them in a doc")
}

// options are the spool of an app's lines for the store that c names.
func (o *spoolFlags) options(c config.Config, app string, inProcess bool) (ship.Spool, error) {
	switch {
	case o.size < 0 || o.size > 1<<30:
		return ship.Spool{}, usagef("--spool-size must not be below zero, or beyond a PiB")
	case o.age < 0:
		return ship.Spool{}, usagef("--spool-age must not be below zero")
	case o.full != "wait" && o.full != "drop":
		return ship.Spool{}, usagef("--spool-full is wait or drop, not %q", o.full)
	}
	return ship.Spool{Dir: spoolDir(c, app), MaxBytes: o.size << 20, MaxAge: o.age, DropOldest: o.full == "drop",
		Never: o.size == 0 || inProcess}, nil
}

// spoolDir is where an app's lines wait for a store: each store has its own, so that none gets what is for another.
func spoolDir(c config.Config, app string) string {
	return filepath.Join(spoolsDir(c, app), storeName(c))
}

func spoolsDir(c config.Config, app string) string { return filepath.Join(c.Data, "spool", app) }

const localStore = "local"

// storeName is the name of a store's directory.
func storeName(c config.Config) string {
	u, err := url.Parse(c.URL)
	if c.URL == "" || err != nil {
		return localStore
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return url.PathEscape(u.String())
}

// longWait is how long lines may wait in a spool before somebody should know.
const longWait = 24 * time.Hour

// tellSpool tells what a run has left in the spool, or found there.
func (o *shipOptions) tellSpool(w io.Writer, sum ship.Summary) error {
	if sum.Earlier > 0 && !o.quiet {
		fmt.Fprintf(w, "logctl: %s of earlier runs delivered from the spool\n", count(sum.Earlier, "line"))
	}
	if sum.Waiting.Docs == 0 {
		return nil
	}
	why := ""
	if sum.Away != nil {
		why = ", the server is away: " + oneLine(sum.Away.Error())
	}
	if time.Since(sum.Waiting.Oldest) < longWait {
		if !o.quiet {
			fmt.Fprintf(w, "logctl: %s safe in the spool%s\n", count(sum.Waiting.Docs, "line"), why)
			fmt.Fprintf(w, "logctl: hint: the next logctl ship --app %s, of whatever lines, delivers them\n", o.app)
		}
		return nil
	}
	fmt.Fprintf(w, "logctl: error: %s in the spool since %s%s\n", count(sum.Waiting.Docs, "line"), sum.Waiting.Oldest.Format("2006-01-02 15:04"), why)
	return &statusError{status: statusTryLater}
}

// tellSpools tells of lines of some apps, or of all, that wait for any store.
func tellSpools(w io.Writer, c config.Config, apps []string) {
	if len(apps) == 0 {
		found, _ := os.ReadDir(filepath.Dir(spoolsDir(c, "x"))) // none: nothing waits
		for _, e := range found {
			apps = append(apps, e.Name())
		}
	}
	for _, app := range apps {
		tellSpoolsOf(w, c, app)
	}
}

func tellSpoolsOf(w io.Writer, c config.Config, app string) {
	stores, err := os.ReadDir(spoolsDir(c, app))
	if err != nil {
		return // there is none
	}
	for _, e := range stores {
		waiting, err := ship.Spools(filepath.Join(spoolsDir(c, app), e.Name()))
		if err != nil {
			fmt.Fprintf(w, "logctl: error: %s\n", oneLine(err.Error()))
		}
		if waiting.Docs == 0 {
			continue
		}
		to := ""
		if e.Name() != storeName(c) {
			if to, err = url.PathUnescape(e.Name()); err != nil {
				to = e.Name()
			}
			to = " for " + to
		}
		fmt.Fprintf(w, "logctl: app %s: %s%s in the spool since %s, %s\n", app, count(waiting.Docs, "line"), to,
			waiting.Oldest.Format("2006-01-02 15:04:05"), count(waiting.Bytes, "byte"))
	}
}
