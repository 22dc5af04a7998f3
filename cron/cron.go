// Package cron puts a command on the clock: as one line of a crontab, or as a systemd timer with its service. It also has the
// lock by which runs never overlap.
//
// A job belongs to an app, and an app has at most one job in each of the two places. What is ours is marked, so that
// installing again replaces and removing touches nothing else: a crontab line ends with the comment "# logctl:APP", a unit is
// called logctl-ship-APP. Texts are made here and handed to the programs whose files they are, crontab(1) and systemctl(1);
// nothing is written behind their backs.
//
// A job runs without the environment of whoever installs it, so what it needs stands in its text: an absolute path of the
// program, absolute file names, and variables. No secret may be among them: a crontab is readable on many systems.
package cron

import (
	"fmt"
	"strings"

	"logctl/store"
)

// Job is a command and how often it runs.
type Job struct {
	App   string
	Every Every
	Env   []string // NAME=value
	Args  []string // the program's absolute path and its arguments
	Files []string // absolute names or patterns of files, appended to Args
}

// check refuses what neither a crontab line nor a unit can hold.
func (j *Job) check() error {
	if _, err := store.AppDB(j.App); err != nil {
		return err
	}
	for _, list := range [][]string{j.Env, j.Args, j.Files} {
		for _, word := range list {
			if strings.ContainsFunc(word, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return fmt.Errorf("%q: a schedule cannot hold control characters", word)
			}
		}
	}
	return nil
}

// Entry is a job that is installed.
type Entry struct {
	App      string
	Place    string // "crontab", or the file of a systemd timer
	Schedule string // in the place's own words: */5 * * * *, *:0/5
	Command  string
}
