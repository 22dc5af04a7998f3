package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"
)

// door is a `logctl serve` in a process of its own, with an app for each run of ship.
type door struct {
	cmd  *exec.Cmd
	url  string
	dir  string
	made int // apps that were used
}

// apps is how many a door has: one for each run as a stranger and with an account.
const apps = 2 * runs

var anyURL = regexp.MustCompile(`https?://[^ ]*:\d+`)

// openDoor starts a serve on dir and makes its apps.
func openDoor(logctl, dir string) (*door, error) {
	d := &door{dir: dir, cmd: exec.Command(logctl, "--data", dir, "serve", "--listen", "127.0.0.1:0")}
	talk, err := d.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(talk)
	for d.url == "" && lines.Scan() {
		d.url = anyURL.FindString(lines.Text())
	}
	if d.url == "" {
		return nil, fmt.Errorf("serve does not say where it is: %w", d.cmd.Wait())
	}
	go func() { _, _ = io.Copy(io.Discard, talk) }() // it ends with the serve
	for n := range apps {
		if out, err := exec.Command(logctl, "--data", dir, "app", "create", fmt.Sprint("bench", n)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("make an app: %w: %s", err, out)
		}
	}
	return d, nil
}

func (d *door) close() {
	if d.cmd.Process.Signal(syscall.SIGTERM) == nil {
		_ = d.cmd.Wait() // how it ends is not what is measured
	}
}

// ship ships a file to the next app, over HTTP, as the admin or as nobody.
func (d *door) ship(logctl string, signedIn bool) func(file string) error {
	return func(file string) error {
		c := exec.Command(logctl, "ship", "--url", d.url, "--app", fmt.Sprint("bench", d.made%apps), "--preset", "fail2ban", "--events", "all", "--quiet",
			"--state", filepath.Join(d.dir, "state"), file)
		d.made++
		if signedIn {
			c.Args = append(c.Args, "--user", "admin", "--password-file", filepath.Join(d.dir, "admin.password"))
		}
		out, err := c.CombinedOutput()
		if err != nil && c.ProcessState.ExitCode() != 3 {
			return fmt.Errorf("%w: %s", err, out)
		}
		return nil
	}
}

// sayQuiet shows what it costs to follow a thousand files that nobody writes to.
func sayQuiet(w io.Writer, logctl, dir string) error {
	const files, watch = 1000, 5 * time.Second
	logs := filepath.Join(dir, "quiet")
	if err := os.Mkdir(logs, 0o700); err != nil {
		return err
	}
	for i := range files {
		if err := os.WriteFile(filepath.Join(logs, fmt.Sprintf("%d.log", i)), fmt.Appendf(nil, "line %d\n", i), 0o600); err != nil {
			return err
		}
	}
	d, err := openDoor(logctl, filepath.Join(dir, "quiet-store"))
	if err != nil {
		return err
	}
	defer d.close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c := exec.CommandContext(ctx, logctl, "--data", d.dir, "ship", "--app", "bench0", "--schema", "$line...", "--follow", "--quiet", logs)
	if err := c.Start(); err != nil {
		return err
	}
	time.Sleep(watch) // it reads what is there
	before, err := cpuTime(c.Process.Pid)
	if err != nil {
		return err
	}
	time.Sleep(2 * watch)
	after, err := cpuTime(c.Process.Pid)
	if err != nil {
		return err
	}
	own, err := memoryKB(c.Process.Pid, "RssAnon")
	if err != nil {
		return err
	}
	program, err := memoryKB(c.Process.Pid, "RssFile")
	if err != nil {
		return err
	}
	cancel()
	_ = c.Wait() // it was killed
	_, err = fmt.Fprintf(w, "%d quiet files followed: %d MB, and %d MB of the program's file; %.2f %% of a core\n", files, own>>10, program>>10, 100*(after-before).Seconds()/(2*watch).Seconds())
	return err
}
