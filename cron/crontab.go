package cron

import (
	"fmt"
	"strings"
)

// mark is what our lines end with, before the app's name. To the shell that runs the line it is a comment.
const mark = "# logctl:"

// maxCommand is how long a line's command may be, a little below what Debian's cron reads (998 bytes).
const maxCommand = 990

// Line is the job's line in a crontab, without a newline:
//
//	*/5 * * * * LOGCTL_URL=https://… /usr/bin/logctl ship … /var/log/fail2ban.log* # logctl:fail2ban
//
// Patterns among the files are left to the shell, everything else is quoted from it, and % from cron.
func (j *Job) Line() (string, error) {
	command, err := j.Command()
	if err != nil {
		return "", err
	}
	command = escapePercent(command) + " " + mark + j.App
	if len(command) > maxCommand {
		return "", fmt.Errorf("the crontab line would have a command of %d bytes, cron reads %d: name the files by a quoted pattern, "+
			"as in '/var/log/app/*.log', or use systemd", len(command), maxCommand)
	}
	return j.Every.crontab + " " + command, nil
}

// Command is what a shell runs as the job once.
func (j *Job) Command() (string, error) {
	if err := j.check(); err != nil {
		return "", err
	}
	var words []string
	for _, v := range j.Env {
		name, value, _ := strings.Cut(v, "=")
		words = append(words, name+"="+quote(value))
	}
	for _, a := range j.Args {
		words = append(words, quote(a))
	}
	for _, f := range j.Files {
		words = append(words, quotePattern(f))
	}
	return strings.Join(words, " "), nil
}

// setLine puts line in the place of the app's line in a crontab, or at its end. With an empty line it removes the app's.
// All other lines stay as they are, to the byte.
func setLine(crontab, app, line string) string {
	var out strings.Builder
	for l := range strings.Lines(crontab) {
		if owner, ok := appOf(l); !ok || owner != app {
			out.WriteString(l)
			continue
		}
		if line != "" {
			out.WriteString(line + "\n")
			line = "" // a second one of ours is gone
		}
	}
	if line == "" {
		return out.String()
	}
	if text := out.String(); text != "" && !strings.HasSuffix(text, "\n") {
		out.WriteByte('\n') // cron ignores a last line without one
	}
	out.WriteString(line + "\n")
	return out.String()
}

// appOf is the app whose line in a crontab it is, if it is one of ours. A line that somebody has put behind a # is not.
func appOf(line string) (app string, ok bool) {
	line = strings.TrimSpace(line)
	if strings.HasPrefix(line, "#") {
		return "", false
	}
	i := strings.LastIndex(line, " "+mark)
	if i < 0 {
		return "", false
	}
	app = line[i+1+len(mark):]
	return app, app != "" && !strings.ContainsAny(app, " \t")
}

// entries are our lines in a crontab.
func entries(crontab string) []Entry {
	var found []Entry
	for line := range strings.Lines(crontab) {
		app, ok := appOf(line)
		if !ok {
			continue
		}
		line = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(line), mark+app))
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' }) // cron knows no other blanks
		n := 5
		if strings.HasPrefix(line, "@") { // @hourly, which somebody has made of it
			n = 1
		}
		if len(fields) <= n {
			continue
		}
		command := line
		for range n {
			command = strings.TrimLeft(command, " \t")
			command = command[strings.IndexAny(command, " \t"):] // there is one: more fields follow
		}
		found = append(found, Entry{App: app, Place: "crontab", Schedule: strings.Join(fields[:n], " "), Command: strings.TrimSpace(command)})
	}
	return found
}
