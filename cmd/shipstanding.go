package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"logctl/internal/config"
	"logctl/ship"
	"logctl/ship/state"
	"logctl/ship/tail"
)

// maxTold is how many files are told of one by one.
const maxTold = 20

// tellStandings tells how far the files of some apps, or of all, are shipped. Those that ship them may be running.
func tellStandings(w io.Writer, c config.Config, apps []string) {
	dir := filepath.Join(c.Data, "ship")
	if len(apps) == 0 {
		found, _ := os.ReadDir(dir) // none: nothing was shipped
		for _, e := range found {
			apps = append(apps, e.Name())
		}
	}
	for _, app := range apps {
		states, _ := os.ReadDir(filepath.Join(dir, app)) // as above
		for _, e := range states {
			if err := tellStandingsOf(w, app, filepath.Join(dir, app, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintf(w, "logctl: error: %s\n", oneLine(err.Error()))
			}
		}
	}
}

// tellStandingsOf tells it by what a state keeps: a line for all files, and one for each that is behind, the worst first.
func tellStandingsOf(w io.Writer, app, dir string) error {
	kept, last, err := state.Look(dir)
	if err != nil {
		return err
	}
	all, err := tail.Standings(kept)
	if err != nil || len(all) == 0 {
		return err
	}
	behind, bytes, gone := []tail.Standing{}, int64(0), int64(0)
	for _, s := range all {
		if s.Behind() > 0 {
			behind = append(behind, s)
			bytes += s.Behind()
		}
		if s.Gone {
			gone++
		}
	}
	late := "none behind"
	if len(behind) > 0 {
		late = fmt.Sprintf("%d of them behind by %s", len(behind), count(bytes, "byte"))
	}
	to := ""
	if server := ship.ServerOf(kept); server != "" {
		to = " to " + oneLine(server)
	}
	fmt.Fprintf(w, "logctl: app %s: %s shipped%s, %s; something was shipped last at %s (%s)\n", app,
		count(int64(len(all)), "file"), to, late, last.Format(time.DateTime), dir)
	slices.SortFunc(behind, func(a, b tail.Standing) int {
		return cmp.Or(-cmp.Compare(a.Behind(), b.Behind()), cmp.Compare(a.Path, b.Path))
	})
	for _, s := range behind[:min(len(behind), maxTold)] {
		fmt.Fprintf(w, "logctl: app %s: %s\n", app,
			oneLine(fmt.Sprintf("%s is shipped to byte %d of %d, %d behind", s.Path, s.At, s.Size, s.Behind())))
	}
	if n := len(behind) - maxTold; n > 0 {
		fmt.Fprintf(w, "logctl: app %s: %s more behind\n", app, count(int64(n), "file"))
	}
	if gone > 0 {
		fmt.Fprintf(w, "logctl: app %s: %s compressed, replaced or deleted since; a run finds out whether anything in there was left\n", app,
			count(gone, "file"))
	}
	return nil
}
