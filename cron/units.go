package cron

import (
	"fmt"
	"strings"
)

// unitPrefix is what the names of our units begin with.
const unitPrefix = "logctl-ship-"

// unitName writes an app's name with the characters that names of units and files have: others than a-z, 0-9, _ and - become
// \xHH, as systemd-escape writes them.
func unitName(app string) string {
	var b strings.Builder
	for i := range len(app) {
		if c := app[i]; c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}

// appKey is the line of a timer that says whose it is. systemd ignores sections that begin with X-.
const appKey = "App="

// Unit is a file of systemd's.
type Unit struct{ Name, Text string }

// Units are the job's timer and the service that it starts. Patterns among the files go to the command as they are, since no
// shell is between.
func (j *Job) Units() (timer, service Unit, err error) {
	if err := j.check(); err != nil {
		return Unit{}, Unit{}, err
	}
	name := unitPrefix + unitName(j.App)
	about := strings.ReplaceAll(j.App, "%", "%%")

	var env strings.Builder
	for _, v := range j.Env {
		env.WriteString("Environment=" + quoteUnit(v, false) + "\n")
	}
	var words []string
	for i, a := range append(append([]string{}, j.Args...), j.Files...) {
		words = append(words, quoteUnit(a, i > 0)) // no $ is looked for in the program's path
	}
	// Status 3 says that some lines are not of the kind asked for. They are counted and the rest is stored.
	service = Unit{Name: name + ".service", Text: fmt.Sprintf(`[Unit]
Description=Ship the logs of %s to logctl

[Service]
Type=oneshot
%sExecStart=%s
SuccessExitStatus=3
`, about, env.String(), strings.Join(words, " "))}
	timer = Unit{Name: name + ".timer", Text: fmt.Sprintf(`[Unit]
Description=Ship the logs of %s to logctl every %s

[Timer]
OnCalendar=%s
Persistent=true

[Install]
WantedBy=timers.target

[X-Logctl]
%s%s
`, about, j.Every, j.Every.calendar, appKey, j.App)}
	return timer, service, nil
}
