package storebench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"logctl/internal/app"
)

// Server is a `logctl serve` with an embedded store in a directory that is made for it, in a process of its own.
type Server struct {
	program, dir string
	flags        []string // of serve
	listen       string   // the port stays when it is started again
	url          string
	cmd          *exec.Cmd
	ended        chan error
	talk         bytes.Buffer
}

// NoLimit is the --limit by which a door takes all that one address sends: a fast server takes more a second than a door allows.
const NoLimit = "requests=1000000"

// StartServer starts program, a logctl, with more flags of serve, and returns when it answers. Close ends it and removes what it stored.
func StartServer(ctx context.Context, program string, flags ...string) (*Server, error) {
	dir, err := os.MkdirTemp("", "logctl-bench-")
	if err != nil {
		return nil, err
	}
	s := &Server{program: program, dir: dir, flags: flags, listen: "127.0.0.1:0"}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.listen = strings.TrimPrefix(s.url, "http://")
	return s, nil
}

// URL is where the server listens.
func (s *Server) URL() string { return s.url }

// PasswordFile holds the password of its account admin.
func (s *Server) PasswordFile() string { return filepath.Join(s.dir, "admin.password") }

// Close ends the server and removes its directory.
func (s *Server) Close() error { return errors.Join(s.stop(syscall.SIGTERM), os.RemoveAll(s.dir)) }

func (s *Server) start(ctx context.Context) error {
	const atMost = time.Minute
	s.talk.Reset()
	s.cmd = exec.Command(s.program, append([]string{"--data", s.dir, "serve", "--listen", s.listen}, s.flags...)...)
	s.cmd.Stderr = &s.talk
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "LOGCTL_") {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	s.ended = make(chan error, 1)
	go func(c *exec.Cmd) { s.ended <- c.Wait() }(s.cmd)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(atMost); ; {
		select {
		case <-tick.C:
		case err := <-s.ended:
			s.cmd = nil
			return fmt.Errorf("the server ended: %w: %s", err, bytes.TrimSpace(s.talk.Bytes()))
		case <-late:
			return errors.New("the server did not start")
		case <-ctx.Done():
			return ctx.Err()
		}
		if url, pid := app.Serving(s.dir); pid == s.cmd.Process.Pid {
			s.url = url
			return nil
		}
	}
}

func (s *Server) stop(sig os.Signal) error {
	if s.cmd == nil {
		return nil
	}
	err := s.cmd.Process.Signal(sig)
	if err == nil {
		<-s.ended // a killed process ends with an error, too
	}
	s.cmd = nil
	return err
}

// restart ends the server, starts it again, and tells how long it took from its start to where it answers.
func (s *Server) restart(ctx context.Context, kill bool) (time.Duration, error) {
	sig := syscall.SIGTERM
	if kill {
		sig = syscall.SIGKILL
	}
	if err := s.stop(sig); err != nil {
		return 0, err
	}
	begin := time.Now()
	err := s.start(ctx)
	return time.Since(begin), err
}

// processor is the time that the server has spent on processors. Only Linux tells.
func (s *Server) processor() (time.Duration, error) {
	const tick = time.Second / 100 // proc(5): of the fields of stat that count time
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name of the program, in brackets, is the second field of fifty-two.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 14 - 3, 15 - 3
	if len(fields) <= system {
		return 0, fmt.Errorf("stat of the server's process: %q", text)
	}
	var total time.Duration
	for _, i := range [...]int{user, system} {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, err
		}
		total += time.Duration(n) * tick
	}
	return total, nil
}

// memory is what a server holds, in megabytes.
type memory struct {
	now  float64
	own  float64 // of now: all but pages of files
	peak float64 // since the last look
}

// memory is what the server holds. Only Linux tells.
func (s *Server) memory() (m memory, err error) {
	proc := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	text, err := os.ReadFile(proc + "status")
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
		switch name {
		case "VmRSS":
			m.now = kb / 1024
		case "RssAnon":
			m.own = kb / 1024
		case "VmHWM":
			m.peak = kb / 1024
		}
	}
	return m, os.WriteFile(proc+"clear_refs", []byte("5"), 0) // proc(5): 5 begins the peak anew
}
