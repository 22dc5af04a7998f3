package senders

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// journal is one of systemd's own, written by systemd-journal-remote.
type journal struct {
	dir   string // of the file, and of a journalctl that reads it and leaves its process id
	in    io.WriteCloser
	n     int
	first time.Time
}

func newJournal(t *testing.T) *journal {
	t.Helper()
	journalctl := need(t, "journalctl")
	j := &journal{dir: t.TempDir(), first: time.Now().Add(-time.Hour)}
	write(t, filepath.Join(j.dir, "journalctl"), fmt.Sprintf("#!/bin/sh\necho $$ >%s/pid\nexec %s -D %[1]s \"$@\"\n", j.dir, journalctl))
	if err := os.Chmod(filepath.Join(j.dir, "journalctl"), 0o700); err != nil {
		t.Fatal(err)
	}
	j.begin(t)
	return j
}

// begin starts another file.
func (j *journal) begin(t *testing.T) {
	t.Helper()
	const writer = "/lib/systemd/systemd-journal-remote"
	if _, err := os.Stat(writer); err != nil {
		t.Skip("SKIPPED: systemd-journal-remote is not installed, so --journal is not tested with a real journal")
	}
	c := exec.Command(writer, "-o", filepath.Join(j.dir, fmt.Sprint(j.n, ".journal")), "-")
	var err error
	if j.in, err = c.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	run(t, "systemd-journal-remote", c)
	in := j.in
	t.Cleanup(func() { in.Close() }) // it ends with its input, not by a signal
}

// log adds an entry with these fields.
func (j *journal) log(t *testing.T, fields ...string) {
	t.Helper()
	j.n++
	at := j.first.Add(time.Duration(j.n) * time.Second)
	text := fmt.Sprintf("__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=a2ae736a973347389ff9973fe1c58f4e\n_HOSTNAME=web1\n", at.UnixMicro(), j.n*1_000_000)
	for i := 0; i < len(fields); i += 2 {
		text += fields[i] + "\n" + string(binary.LittleEndian.AppendUint64(nil, uint64(len(fields[i+1])))) + fields[i+1] + "\n"
	}
	if _, err := io.WriteString(j.in, text+"\n"); err != nil {
		t.Fatal(err)
	}
}

// ship is a logctl ship of the journal.
func (j *journal) ship(t *testing.T, s *server, args ...string) *exec.Cmd {
	t.Helper()
	c := logctl(t, s.data, append([]string{"ship", "--app", "journal", "--journal"}, args...)...)
	c.Env = append(c.Env, "PATH="+j.dir+":"+os.Getenv("PATH"))
	return c
}

// A journal of systemd's is followed, also when its journalctl is killed; a second run reads nothing twice, and what is removed from the
// journal is missed.
func TestJournal(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	s := serve(t)
	j.log(t, "SYSLOG_IDENTIFIER", "sshd", "_SYSTEMD_UNIT", "ssh.service", "PRIORITY", "6", "SYSLOG_FACILITY", "4", "_PID", "7", "MESSAGE", failed)
	j.log(t, "SYSLOG_IDENTIFIER", "app", "MESSAGE", "one", "MESSAGE", "two")
	j.log(t, "SYSLOG_IDENTIFIER", "app", "B", "2", "A", "\xff", "MESSAGE", "\x1b[1mbytes\xff")
	j.log(t, "SYSLOG_IDENTIFIER", "app", "MESSAGE", strings.Repeat("long ", 100_000))

	follow := j.ship(t, s, "--follow")
	run(t, "ship", follow)
	s.find(t, "journal", map[string]any{"ip": "192.0.2.9", "outcome": "failure", "facility": "auth", "level": "info", "unit": "ssh.service", "pid": 7.0, "host": "web1"})
	s.find(t, "journal", map[string]any{"B": "2", "message": "\x1b[1mbytes\ufffd"})
	s.find(t, "journal", map[string]any{"message": strings.Repeat("long ", 100_000)})
	j.log(t, "SYSLOG_IDENTIFIER", "app", "MESSAGE", "while it follows")
	s.find(t, "journal", map[string]any{"message": "while it follows"})

	text, err := os.ReadFile(filepath.Join(j.dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	j.log(t, "SYSLOG_IDENTIFIER", "app", "MESSAGE", "after journalctl was killed")
	s.find(t, "journal", map[string]any{"message": "after journalctl was killed"})
	if err := follow.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}

	once := func() (status int, said string) {
		t.Helper()
		for {
			out, err := j.ship(t, s).CombinedOutput()
			if err == nil {
				return 0, string(out)
			}
			if code := err.(*exec.ExitError).ExitCode(); code != 5 { // the one that follows has not ended yet
				return code, string(out)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	count := func(want int) {
		t.Helper()
		if docs := s.docs(t, "journal"); len(docs) != want {
			t.Errorf("%d docs, want %d", len(docs), want)
		}
	}
	if status, said := once(); status != 0 || !strings.Contains(said, "logctl: 0 lines read") {
		t.Errorf("status %d: %s", status, said)
	}
	count(6)

	// The file is removed, and another begun.
	if err := os.Remove(filepath.Join(j.dir, "0.journal")); err != nil {
		t.Fatal(err)
	}
	j.begin(t)
	j.log(t, "SYSLOG_IDENTIFIER", "app", "MESSAGE", "another file")
	await(t, "the other file", func() bool {
		out, _ := exec.Command(filepath.Join(j.dir, "journalctl"), "-o", "cat").Output()
		return strings.Contains(string(out), "another file")
	})
	if status, said := once(); status != 1 || !strings.Contains(said, "error: the journal does not have the entry any more that was read last") ||
		!strings.Contains(said, "1 line read: 1 stored") {
		t.Errorf("status %d: %s", status, said)
	}
	if status, said := once(); status != 0 || !strings.Contains(said, "logctl: 0 lines read") {
		t.Errorf("status %d: %s", status, said)
	}
	count(7)
}
