package cmd

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"logctl/cron"
	"logctl/internal/identity"
	"logctl/proxy/ca"
	"logctl/store"
)

// What is little, or soon.
const (
	littleDisk, noDisk       = 10, 2 // percent that are free
	soonEnds                 = 14 * 24 * time.Hour
	longAgo                  = 25 * time.Hour // a schedule of every day has run since
	journalTime              = 5 * time.Second
	bytesOfMiB         int64 = 1 << 20
)

// directory looks at who may read the data directory.
func (d *doctor) directory() {
	info, err := os.Stat(d.conf.Data)
	switch {
	case errors.Is(err, fs.ErrNotExist) && d.conf.URL == "":
		d.warn("data directory", "logctl ship, or logctl serve, makes it", "%s is not there: nothing is stored yet", d.conf.Data)
	case errors.Is(err, fs.ErrNotExist):
		d.well("data directory", "none, and none is needed")
	case err != nil:
		d.failed("data directory", "use the account that owns it, or --data", err)
	case info.Mode().Perm()&0o077 != 0:
		d.fail("data directory", "chmod 700 "+d.conf.Data, "%s may be read by others: %s", d.conf.Data, info.Mode().Perm())
	default:
		d.well("data directory", "%s, yours alone", d.conf.Data)
	}
}

// disk looks at the room that is left where data is kept on this machine.
func (d *doctor) disk() {
	path := d.conf.Data
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			break
		}
		path = filepath.Dir(path)
	}
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil || s.Blocks == 0 {
		d.warn("disk", "df "+path, "its room can't be told")
		return
	}
	percent := 100 * int64(s.Bavail) / int64(s.Blocks)
	free := int64(s.Bavail) * int64(s.Bsize) / bytesOfMiB
	switch {
	case percent < noDisk:
		d.fail("disk", "make room", "%d MiB are free, %d %%", free, percent)
	case percent < littleDisk:
		d.warn("disk", "make room", "%d MiB are free, %d %%", free, percent)
	default:
		d.well("disk", "%d MiB are free, %d %%", free, percent)
	}
}

// certificate looks at the end of the machine's own.
func (d *doctor) certificate() {
	if d.conf.CertFile == "" {
		return
	}
	cert, err := ca.ReadCertificate(d.conf.CertFile)
	if err != nil {
		d.failed("client certificate", "logctl join URL", err)
		return
	}
	left := time.Until(cert.NotAfter)
	switch day := cert.NotAfter.Local().Format(time.DateOnly); {
	case left <= 0:
		d.fail("client certificate", "logctl join URL, with a new code", "%s has expired on %s", cert.Subject.CommonName, day)
	case identity.Due(filepath.Dir(d.conf.CertFile), time.Now()):
		d.warn("client certificate", "logctl join --renew", "%s is good until %s and was not renewed yet", cert.Subject.CommonName, day)
	default:
		d.well("client certificate", "%s is good until %s", cert.Subject.CommonName, day)
	}
}

// schedule looks for what ships logs by itself and when it last ran.
func (d *doctor) schedule(ctx context.Context) {
	found, err := cron.Crontab{}.List(ctx)
	if err != nil && !store.IsKind(err, store.KindNotFound) {
		d.warn("schedule", "crontab -l", "the crontab can't be read: %s", oneLine(err.Error()))
	}
	var place cronPlace
	if units, err := place.units(); err == nil {
		if timers, err := units.List(); err == nil {
			found = append(found, timers...)
		}
	}
	if len(found) == 0 {
		d.warn("schedule", "logctl cron install --app APP --preset P FILE", "no logs are shipped by themselves on this machine")
	}
	for _, e := range found {
		info, err := os.Stat(cron.LockPath(d.conf.Data, e.App))
		switch {
		case err != nil:
			d.warn("schedule", "wait for the first run, or start it: "+e.Command, "%s (%s) has not run yet", e.App, e.Schedule)
		case time.Since(info.ModTime()) > longAgo:
			d.warn("schedule", "is cron running? "+e.Command, "%s (%s) last ran at %s", e.App, e.Schedule, info.ModTime().Format(time.DateTime))
		default:
			d.well("schedule", "%s (%s) last ran at %s", e.App, e.Schedule, info.ModTime().Format(time.DateTime))
		}
	}
}

// spool looks for lines that wait for a server.
func (d *doctor) spool() {
	var size int64
	root := filepath.Join(d.conf.Data, "spool")
	_ = filepath.WalkDir(root, func(_ string, e fs.DirEntry, err error) error { // what can't be read is not counted
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	if size < bytesOfMiB {
		d.well("spool", "nothing much waits for a server")
		return
	}
	d.warn("spool", "logctl status APP", "%d MiB of lines may wait for a server", size/bytesOfMiB)
}

// journal looks whether systemd's journal can be read, where there is one.
func (d *doctor) journal(ctx context.Context) {
	if _, err := exec.LookPath("journalctl"); err != nil {
		d.well("journal", "no systemd on this machine")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, journalTime)
	defer cancel()
	out, err := exec.CommandContext(ctx, "journalctl", "-q", "-n", "1", "--no-pager").Output()
	if err != nil || len(out) == 0 {
		next := "run it as root, or join the group systemd-journal"
		if os.Geteuid() == 0 {
			next = "systemctl status systemd-journald"
		}
		d.warn("journal", next, "journalctl shows nothing")
		return
	}
	d.well("journal", "can be read")
}
