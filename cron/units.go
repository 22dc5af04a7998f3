package cron

import (
	"fmt"
	"strings"
)

// unitPrefix is what the names of our units begin with.
const unitPrefix = "logctl-ship-"

// followPrefix is what the names of services begin with that follow files.
const followPrefix = "logctl-follow-"

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
	about := j.about()
	// Status 3 says that some lines are not of the kind asked for. They are counted and the rest is stored.
	service = Unit{Name: name + ".service", Text: fmt.Sprintf(`[Unit]
Description=Ship the logs of %s to logctl

[Service]
Type=oneshot
%sSuccessExitStatus=3
`, about, j.exec())}
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

// about is the app in a unit's text.
func (j *Job) about() string { return strings.ReplaceAll(j.App, "%", "%%") }

// exec is the lines of a service that say what it runs.
func (j *Job) exec() string {
	var b strings.Builder
	for _, v := range j.Env {
		b.WriteString("Environment=" + quoteUnit(v, false) + "\n")
	}
	b.WriteString("ExecStart=")
	for i, a := range append(append([]string{}, j.Args...), j.Files...) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(quoteUnit(a, i > 0)) // no $ is looked for in the program's path
	}
	b.WriteByte('\n')
	return b.String()
}

// Service is the service of a job that does not end: its command follows files. user says that it is an account's own. It is started
// again whenever it ends, and gains no rights.
func (j *Job) Service(user bool) (Unit, error) {
	if err := j.check(); err != nil {
		return Unit{}, err
	}
	target := "multi-user.target"
	if user {
		target = "default.target"
	}
	return Unit{Name: followPrefix + unitName(j.App) + ".service", Text: fmt.Sprintf(`[Unit]
Description=Follow the logs of %s and ship them to logctl
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
%sRestart=always
RestartSec=5
NoNewPrivileges=yes

[Install]
WantedBy=%s

[X-Logctl]
%s%s
`, j.about(), j.exec(), target, appKey, j.App)}, nil
}
