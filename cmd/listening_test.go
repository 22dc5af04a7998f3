package cmd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestListening(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, taken := net.Listen("tcp", l.Addr().String())
	_, noPort := net.Listen("tcp", "5984")
	denied := &net.OpError{Op: "listen", Net: "tcp", Addr: l.Addr(), Err: os.NewSyscallError("bind", syscall.EACCES)}
	for name, c := range map[string]struct {
		err    error
		status int
		hint   string
	}{
		"in use":        {taken, statusFailed, "another program has the port"},
		"of an input":   {fmt.Errorf("listen for syslog over UDP: %w", taken), statusFailed, "another program has the port"},
		"no port":       {noPort, statusUsage, "as in :5984"},
		"no right":      {denied, statusNotAllowed, "below 1024"},
		"another error": {errors.New("no disk"), statusFailed, ""},
		"no error":      {nil, statusDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var said strings.Builder
			if got := exitStatus(&said, listening(c.err)); got != c.status {
				t.Errorf("status %d, want %d: %s", got, c.status, said.String())
			}
			if c.err != nil && !strings.Contains(said.String(), c.err.Error()+"\n") {
				t.Errorf("said %q, want the error", said.String())
			}
			if strings.Contains(said.String(), "hint: ") != (c.hint != "") || !strings.Contains(said.String(), c.hint) {
				t.Errorf("said %q, want the hint %q", said.String(), c.hint)
			}
		})
	}
}
