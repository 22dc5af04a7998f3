package cron

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"logctl/store"
)

// fakePrograms puts shell scripts on the path, before the system's programs, and gives their directory.
func fakePrograms(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
	t.Setenv("FAKE", dir)
	return dir
}

// fakeCrontab keeps the crontab in a file as Debian's crontab does, and counts the writes.
const fakeCrontab = `
case $1 in
-l) cat "$FAKE/tab" 2>/dev/null || { echo "no crontab for me" >&2; exit 1; } ;;
-) cat >"$FAKE/tab"; echo x >>"$FAKE/writes" ;;
esac
`

func TestCrontab(t *testing.T) {
	dir := fakePrograms(t, map[string]string{"crontab": fakeCrontab})
	ctx := context.Background()
	job := &Job{App: "a", Every: every(t, "5m"), Args: []string{"/bin/logctl", "ship"}, Files: []string{"/x*"}}
	var tab Crontab

	if found, err := tab.List(ctx); err != nil || len(found) > 0 {
		t.Fatalf("an empty crontab: %v, %v", found, err)
	}
	if changed, err := tab.Remove(ctx, "a"); err != nil || changed {
		t.Fatalf("removed from an empty crontab: %t, %v", changed, err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := tab.Install(ctx, job); err != nil || changed != want {
			t.Fatalf("install %d: %t, %v", i, changed, err)
		}
	}
	job.Every = every(t, "1h")
	if changed, err := tab.Install(ctx, job); err != nil || !changed {
		t.Fatalf("install with other times: %t, %v", changed, err)
	}
	want := []Entry{{"a", "crontab", "0 * * * *", "/bin/logctl ship /x*"}}
	if found, err := tab.List(ctx); err != nil || !slices.Equal(found, want) {
		t.Fatalf("found %+v, %v, want %+v", found, err, want)
	}
	if changed, err := tab.Remove(ctx, "a"); err != nil || !changed {
		t.Fatalf("remove: %t, %v", changed, err)
	}
	if writes, _ := os.ReadFile(filepath.Join(dir, "writes")); string(writes) != "x\nx\nx\n" {
		t.Errorf("written %d times, want 3", strings.Count(string(writes), "x"))
	}
}

// TestCrontabUnreadable holds that a crontab that cannot be read is not taken for an empty one and wiped.
func TestCrontabUnreadable(t *testing.T) {
	dir := fakePrograms(t, map[string]string{"crontab": `
if test "$1" = -; then echo x >"$FAKE/written"; exit; fi
echo "You (me) are not allowed to use this program (crontab)" >&2; exit 1`})
	job := &Job{App: "a", Every: every(t, "5m"), Args: []string{"/x"}}
	if _, err := (Crontab{}).Install(context.Background(), job); err == nil || !strings.Contains(err.Error(), "not allowed") {
		t.Errorf("install: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "written")); err == nil {
		t.Error("the crontab was written")
	}
}

func TestNoCrontabProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := (Crontab{}).List(context.Background())
	var e *store.Error
	if !errors.As(err, &e) || e.Kind != store.KindNotFound || !strings.HasPrefix(e.Hint, "--systemd ") {
		t.Errorf("list: %v", err)
	}
}

// TestNoSystemd: where systemd does not run no unit is left behind, and it is told what to do instead; units that are there can be
// removed.
func TestNoSystemd(t *testing.T) {
	ctx := context.Background()
	job := &Job{App: "a", Every: every(t, "5m"), Args: []string{"/bin/logctl", "ship"}, Files: []string{"/x*"}}
	follow := &Job{App: "a", Args: job.Args, Files: job.Files}
	for _, c := range []struct {
		name     string
		programs map[string]string
		said     string
	}{
		{"not running", map[string]string{"systemctl": `echo "System has not been booted with systemd" >&2; exit 1`}, "has not been booted"},
		{"absent", nil, "there is no systemctl on this machine"},
	} {
		for _, user := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, user %t", c.name, user), func(t *testing.T) {
				if c.programs == nil {
					t.Setenv("PATH", t.TempDir())
				} else {
					fakePrograms(t, c.programs)
				}
				s := Systemd{Dir: filepath.Join(t.TempDir(), "units"), User: user}
				_, timer := s.Install(ctx, job)
				_, service := s.InstallService(ctx, follow)
				for hint, err := range map[string]error{
					"--systemd it is this line of your crontab: */5 * * * * /bin/logctl ship /x* # logctl:a": timer,
					"keep this running: /bin/logctl ship /x*":                                                service,
				} {
					var e *store.Error
					if !errors.As(err, &e) || !strings.Contains(err.Error(), c.said) || !strings.HasSuffix(e.Hint, hint) {
						t.Errorf("%v, hint %q, want one of %q", err, e.Hint, hint)
					} else if strings.Contains(e.Hint, "enable-linger") != user {
						t.Errorf("hint: %s", e.Hint)
					}
				}
				if _, err := os.Stat(s.Dir); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("the directory of units was made: %v", err)
				}
				if _, err := (Systemd{Dir: s.Dir, Files: true}).Install(ctx, job); err != nil {
					t.Fatal(err)
				}
				if _, err := s.Remove(ctx, "a"); err == nil || !strings.Contains(err.Error(), c.said) {
					t.Errorf("remove: %v", err)
				}
				s.Files = true
				if changed, err := s.Remove(ctx, "a"); err != nil || !changed {
					t.Errorf("removed %t, %v", changed, err)
				}
			})
		}
	}
}

func TestSystemd(t *testing.T) {
	dir := fakePrograms(t, map[string]string{"systemctl": `echo "$@" >>"$FAKE/calls"`})
	ctx := context.Background()
	units := Systemd{Dir: filepath.Join(t.TempDir(), "user"), User: true}
	job := &Job{App: "a/b", Every: every(t, "5m"), Args: []string{"/bin/logctl", "ship"}, Files: []string{"/var/log/x y*"}}
	if changed, err := units.Remove(ctx, "a/b"); err != nil || changed {
		t.Fatalf("remove of what is not there: %t, %v", changed, err)
	}
	for i, want := range []bool{true, false} {
		if changed, err := units.Install(ctx, job); err != nil || changed != want {
			t.Fatalf("install %d: %t, %v", i, changed, err)
		}
	}
	if err := os.WriteFile(filepath.Join(units.Dir, unitPrefix+"other.timer"), []byte("[Timer]\nOnCalendar=daily\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []Entry{{"a/b", filepath.Join(units.Dir, `logctl-ship-a\x2fb.timer`), "*:0/5", `/bin/logctl ship "/var/log/x y*"`}}
	if found, err := units.List(); err != nil || !slices.Equal(found, want) {
		t.Fatalf("found %+v, %v, want %+v", found, err, want)
	}
	if changed, err := units.Remove(ctx, "a/b"); err != nil || !changed {
		t.Fatalf("remove: %t, %v", changed, err)
	}
	if left, err := os.ReadDir(units.Dir); err != nil || len(left) != 1 {
		t.Errorf("left: %v, %v", left, err)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	if err != nil {
		t.Fatal(err)
	}
	const once = "--user show --property=Version\n--user daemon-reload\n--user enable --now logctl-ship-a\\x2fb.timer\n"
	if got, want := string(calls), once+"--user restart logctl-ship-a\\x2fb.timer\n"+once+
		"--user disable --now logctl-ship-a\\x2fb.timer\n--user daemon-reload\n"; got != want {
		t.Errorf("systemctl was called with\n%swant\n%s", got, want)
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	j := &Job{
		App: "fail2ban", Every: every(t, "12h"),
		Env:   []string{"LOGCTL_DATA=/var/my $data 5%"},
		Args:  []string{"/opt/a b/logctl", "ship", "--schema", `$date "[" \[`, ""},
		Files: []string{"/var/log/fail2ban.log*", "/x;y"},
	}
	timer, service, err := j.Units()
	if err != nil {
		t.Fatal(err)
	}
	if timer.Name != "logctl-ship-fail2ban.timer" || service.Name != "logctl-ship-fail2ban.service" {
		t.Errorf("names %s, %s", timer.Name, service.Name)
	}
	const wantTimer = `[Unit]
Description=Ship the logs of fail2ban to logctl every 12h

[Timer]
OnCalendar=0/12:00
Persistent=true

[Install]
WantedBy=timers.target

[X-Logctl]
App=fail2ban
`
	const wantService = `[Unit]
Description=Ship the logs of fail2ban to logctl

[Service]
Type=oneshot
Environment="LOGCTL_DATA=/var/my $data 5%%"
ExecStart="/opt/a b/logctl" ship --schema "$$date \"[\" \\[" "" /var/log/fail2ban.log* "/x;y"
SuccessExitStatus=3
`
	if timer.Text != wantTimer || service.Text != wantService {
		t.Errorf("got\n%s\n%s", timer.Text, service.Text)
	}
}

// TestSystemdReadsUnits asks systemd's own parser.
func TestSystemdReadsUnits(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("SKIPPED: no systemd-analyze to check units and calendars with")
	}
	for _, s := range []string{"1m", "5m", "30m", "1h", "2h", "12h", "1d", "1w"} {
		if out, err := exec.Command(analyze, "calendar", every(t, s).calendar).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", s, out)
		}
	}
	units := Systemd{Dir: t.TempDir(), Files: true}
	job := &Job{App: "a/b+$(c)", Every: every(t, "5m"), Env: []string{"A=b c"}, Args: append([]string{"/bin/true"}, nasty...)}
	if _, err := units.Install(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	if _, err := units.InstallService(context.Background(), job); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(units.Dir, "logctl*"))
	if err != nil || len(names) != 3 {
		t.Fatalf("units %v, %v", names, err)
	}
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, names...)...).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "logctl-") {
			t.Errorf("systemd says: %s", line)
		}
	}
	t.Logf("systemd-analyze: %v\n%s", err, out)
}

// TestFollowingService: the service that follows is started, started again when it changed, listed, and removed with its app's timer.
func TestFollowingService(t *testing.T) {
	dir := fakePrograms(t, map[string]string{"systemctl": `echo "$@" >>"$FAKE/calls"`})
	ctx := context.Background()
	s := Systemd{Dir: t.TempDir()}
	job := &Job{App: "a/b", Every: every(t, "5m"), Env: []string{"LOGCTL_DATA=/my data"}, Args: []string{"/bin/logctl", "ship"}, Files: []string{"/x*"}}
	for i, want := range []bool{true, false} {
		if changed, err := s.InstallService(ctx, job); err != nil || changed != want {
			t.Errorf("install %d: %t, %v", i, changed, err)
		}
	}
	if _, err := s.Install(ctx, job); err != nil {
		t.Fatal(err)
	}
	found, err := s.List()
	if err != nil || len(found) != 2 || found[1].App != "a/b" || found[1].Schedule != "always" || found[1].Command != "/bin/logctl ship /x*" {
		t.Errorf("%+v, %v", found, err)
	}
	if changed, err := s.Remove(ctx, "a/b"); err != nil || !changed {
		t.Errorf("remove: %t, %v", changed, err)
	}
	if left, _ := os.ReadDir(s.Dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	calls, err := os.ReadFile(filepath.Join(dir, "calls"))
	want := `show --property=Version
daemon-reload
enable --now logctl-follow-a\x2fb.service
restart logctl-follow-a\x2fb.service
show --property=Version
daemon-reload
enable --now logctl-follow-a\x2fb.service
show --property=Version
daemon-reload
enable --now logctl-ship-a\x2fb.timer
restart logctl-ship-a\x2fb.timer
disable --now logctl-ship-a\x2fb.timer
disable --now logctl-follow-a\x2fb.service
daemon-reload
`
	if err != nil || string(calls) != want {
		t.Errorf("systemctl was called with\n%swant\n%s", calls, want)
	}
	job.Args = append(job.Args, "a\nb")
	if _, err := s.InstallService(ctx, job); err == nil {
		t.Error("a control character passes")
	}
}
