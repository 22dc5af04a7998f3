package cron

import (
	"context"
	"errors"
	"regexp"
)

// Crontab is the crontab of the account that runs this process, reached through crontab(1).
type Crontab struct{}

// noCrontab is how the crontabs of Debian, cronie and busybox say that there is none yet. Any other failure to read it must
// not be taken for that: the next write would wipe it.
var noCrontab = regexp.MustCompile(`(?m)(^|: )no crontab for |can't open '[^']*': No such file or directory`)

// Install makes job the only one of its app; changed is false where it was so already.
func (c Crontab) Install(ctx context.Context, job *Job) (changed bool, err error) {
	line, err := job.Line()
	if err != nil {
		return false, err
	}
	return c.edit(ctx, job.App, line)
}

// Remove takes the app's job out; changed is false where it has none.
func (c Crontab) Remove(ctx context.Context, app string) (changed bool, err error) {
	return c.edit(ctx, app, "")
}

// List has the jobs that are installed.
func (c Crontab) List(ctx context.Context) ([]Entry, error) {
	text, err := c.read(ctx)
	return entries(text), err
}

func (c Crontab) edit(ctx context.Context, app, line string) (changed bool, err error) {
	text, err := c.read(ctx)
	if err != nil {
		return false, err
	}
	edited := setLine(text, app, line)
	if edited == text {
		return false, nil
	}
	if _, err := run(ctx, edited, "crontab", "-"); err != nil {
		return false, err
	}
	return true, nil
}

func (Crontab) read(ctx context.Context) (string, error) {
	out, err := run(ctx, "", "crontab", "-l")
	var failed *commandError
	if errors.As(err, &failed) && noCrontab.MatchString(failed.said) {
		return "", nil
	}
	return out, err
}
