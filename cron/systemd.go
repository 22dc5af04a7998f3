package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"logctl/store"
)

// Systemd is a directory of units: the system's, or those of an account's own systemd.
type Systemd struct {
	Dir   string
	User  bool // the units are of `systemctl --user`
	Files bool // only write and remove files, and leave systemd alone
}

// Install makes job the only one of its app and starts its timer; changed is false where it was so already.
func (s Systemd) Install(ctx context.Context, job *Job) (changed bool, err error) {
	timer, service, err := job.Units()
	if err != nil {
		return false, err
	}
	if err := s.Check(ctx, job); err != nil {
		return false, err
	}
	return s.install(ctx, timer.Name, service, timer)
}

// InstallService makes job, which follows files, the only such one of its app and starts it; changed is false where it was so already.
func (s Systemd) InstallService(ctx context.Context, job *Job) (changed bool, err error) {
	service, err := job.Service(s.User)
	if err != nil {
		return false, err
	}
	if err := s.Check(ctx, job); err != nil {
		return false, err
	}
	return s.install(ctx, service.Name, service)
}

// Check refuses job where systemd does not run, and tells what to do instead. Nothing has been written then: nobody would start the
// units, and a later start of systemd might.
func (s Systemd) Check(ctx context.Context, job *Job) error {
	err := s.ask(ctx, "show", "--property=Version")
	if err == nil {
		return nil
	}
	hint, commandErr := job.elsewhere()
	if commandErr != nil {
		return commandErr
	}
	reason := "systemd does not run here"
	if s.User {
		reason, hint = "no systemd runs here for this account", lingerHint+"; else "+hint
	}
	return &store.Error{Kind: store.KindOf(err), Reason: reason, Err: err, Hint: hint}
}

// elsewhere is how to run the job without systemd.
func (j *Job) elsewhere() (string, error) {
	command, err := j.Command()
	if err != nil {
		return "", err
	}
	if j.Every == (Every{}) {
		return "have something else keep this running: " + command, nil
	}
	line, err := j.Line()
	if err != nil { // too long for cron
		return fmt.Sprintf("have another scheduler run this every %s: %s", j.Every, command), nil
	}
	return "without --systemd it is this line of your crontab: " + line, nil
}

// lingerHint is how accounts get a systemd of their own.
const lingerHint = "systemctl --user is for accounts that are signed in, or that root has given: loginctl enable-linger NAME"

// install writes units and starts one of them.
func (s Systemd) install(ctx context.Context, start string, units ...Unit) (changed bool, err error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return false, fmt.Errorf("make the directory for units: %w", err)
	}
	for _, u := range units {
		path := filepath.Join(s.Dir, u.Name)
		if old, err := os.ReadFile(path); err == nil && string(old) == u.Text {
			continue
		}
		if err := writeFile(path, u.Text); err != nil {
			return false, fmt.Errorf("write the unit: %w", err)
		}
		changed = true
	}
	if err := s.systemctl(ctx, "daemon-reload"); err != nil {
		return changed, err
	}
	if err := s.systemctl(ctx, "enable", "--now", start); err != nil {
		return changed, err
	}
	if !changed {
		return false, nil
	}
	// What was running goes on as it was until it is started again.
	return true, s.systemctl(ctx, "restart", start)
}

// Remove stops the app's timer and its service that follows, and deletes their units; changed is false where there are none.
func (s Systemd) Remove(ctx context.Context, app string) (changed bool, err error) {
	timer, follow := unitPrefix+unitName(app)+".timer", followPrefix+unitName(app)+".service"
	for _, unit := range []string{timer, follow} {
		if _, err := os.Stat(filepath.Join(s.Dir, unit)); err != nil {
			continue
		}
		if err := s.systemctl(ctx, "disable", "--now", unit); err != nil {
			return false, err
		}
	}
	for _, unit := range []string{timer, unitPrefix + unitName(app) + ".service", follow} {
		err := os.Remove(filepath.Join(s.Dir, unit))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return changed, fmt.Errorf("remove the unit: %w", err)
		}
		changed = changed || err == nil
	}
	if !changed {
		return false, nil
	}
	return true, s.systemctl(ctx, "daemon-reload")
}

// List has the jobs whose timers, or services that follow, are in the directory.
func (s Systemd) List() ([]Entry, error) {
	var found []Entry
	for _, pattern := range []string{unitPrefix + "*.timer", followPrefix + "*.service"} {
		paths, err := filepath.Glob(filepath.Join(s.Dir, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			unit, err := os.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("read the unit: %w", err)
			}
			e := Entry{Place: path, App: setting(unit, appKey), Schedule: setting(unit, "OnCalendar="), Command: setting(unit, "ExecStart=")}
			if e.App == "" {
				continue // somebody else's, by chance of the same name
			}
			if e.Command != "" {
				e.Schedule = "always"
			} else if service, err := os.ReadFile(strings.TrimSuffix(path, ".timer") + ".service"); err == nil { // a timer without one is worth a line all the same
				e.Command = setting(service, "ExecStart=")
			}
			found = append(found, e)
		}
	}
	return found, nil
}

// setting is the value of a key in a unit file.
func setting(unit []byte, key string) string {
	for line := range strings.Lines(string(unit)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// systemctl has systemd do something about units that are there.
func (s Systemd) systemctl(ctx context.Context, args ...string) error {
	err := s.ask(ctx, args...)
	var refused *commandError
	if !errors.As(err, &refused) {
		return err
	}
	hint := "the units are in " + s.Dir + "; where systemd does not run, logctl cron remove --dir " + s.Dir + " removes them alone"
	if s.User {
		hint = "the units are in " + s.Dir + "; " + lingerHint
	}
	return &store.Error{Kind: store.KindInternal, Reason: "systemd does not take the units", Err: err, Hint: hint}
}

// ask runs systemctl.
func (s Systemd) ask(ctx context.Context, args ...string) error {
	if s.Files {
		return nil
	}
	if s.User {
		args = append([]string{"--user"}, args...)
	}
	_, err := run(ctx, "", "systemctl", args...)
	return err
}

// writeFile replaces the file at path as a whole.
func writeFile(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".logctl-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
