package cmd

import (
	"errors"
	"net"
	"syscall"
)

// listening adds to an error of listening at an address what a person may do next, and its status. Other errors stay as they are.
func listening(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return err
	}
	switch {
	case errors.As(err, new(*net.AddrError)):
		return hinted(usage(err), "an address is HOST:PORT, or :PORT for all addresses of this machine, as in :5984")
	case errors.Is(err, syscall.EADDRINUSE):
		return hinted(err, "another program has the port, which ss -ltnup tells: stop it, or name another port")
	case errors.Is(err, syscall.EACCES):
		return &statusError{status: statusNotAllowed, err: err, hint: "a port below 1024 takes root, or CAP_NET_BIND_SERVICE"}
	}
	return err
}
