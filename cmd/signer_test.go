package cmd

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSigner starts `logctl ca serve` on a free port and sets $CAURL; halt ends it.
func scriptSigner(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("! signer: use `! exec logctl ca serve` for one that must not start")
	}
	path, err := findLogctl(ts.Getenv("PATH"))
	ts.Check(err)
	s := &scriptServer{done: make(chan error, 1)}
	s.cmd = exec.Command(path, append([]string{"ca", "serve", "--listen", "127.0.0.1:0", "--host", "127.0.0.1", "--host", "localhost"}, args...)...)
	s.cmd.Dir = ts.MkAbs(".")
	s.cmd.Env = os.Environ()
	for _, name := range []string{"PATH", "HOME", "XDG_CONFIG_HOME", "LOGCTL_DATA", "TZ", "GORACE"} {
		s.cmd.Env = append(s.cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := s.cmd.StderrPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadString('\n')
			s.log.WriteString(line)
			if _, rest, ok := strings.Cut(line, "msg=listening url="); ok {
				address, _, _ := strings.Cut(rest, " ")
				url <- address
			}
			if err != nil {
				_, _ = io.Copy(io.Discard, lines)
				s.done <- s.cmd.Wait()
				return
			}
		}
	}()
	servers(ts).add(s)
	ts.Defer(func() { s.end(syscall.SIGKILL) })
	select {
	case address := <-url:
		ts.Setenv("CAURL", address)
	case err := <-s.done:
		ts.Fatalf("ca serve ended: %v\n%s", err, s.log.Bytes())
	case <-time.After(startWait):
		ts.Fatalf("ca serve did not start")
	}
}
