package ship

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"

	"logctl/internal/lines"
	"logctl/ship/source"
	"logctl/store"
)

// socketSource listens at a unix socket and takes the lines of all who connect, until the run's context ends.
type socketSource struct {
	r        *runner
	path     string
	listener *net.UnixListener
}

// Fleeting is source.Fleeting's.
func (*socketSource) Fleeting() {}

// maxClients is how many connections are read at a time; others wait.
const maxClients = 256

// listen makes the socket, in the place of one that nobody listens at any more.
func (s *socketSource) listen() error {
	if info, err := os.Lstat(s.path); err == nil && info.Mode()&fs.ModeSocket != 0 {
		conn, err := net.Dial("unix", s.path)
		if err == nil {
			conn.Close()
			return &store.Error{Kind: store.KindLocked, Reason: "another program listens at " + s.path}
		}
		if errors.Is(err, syscall.ECONNREFUSED) {
			os.Remove(s.path)
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: s.path, Net: "unix"})
	if err != nil {
		return fmt.Errorf("listen at %s: %w", s.path, err)
	}
	s.listener = l
	return nil
}

// Run is source.Source's.
func (s *socketSource) Run(ctx context.Context, _ source.Positions, sink source.Sink) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	defer s.listener.Close()
	var group sync.WaitGroup
	defer group.Wait()
	room := make(chan struct{}, maxClients)
	for {
		room <- struct{}{}
		conn, err := s.listener.AcceptUnix()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("listen at %s: %w", s.path, err)
		}
		group.Go(func() {
			defer func() { <-room }()
			if err := s.serve(ctx, conn, sink); err != nil {
				fail(err)
			}
		})
	}
}

// serve takes the lines of one connection. Its error is the sink's.
func (s *socketSource) serve(ctx context.Context, conn *net.UnixConn, sink source.Sink) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	err := readStream(ctx, sink, &source.Origin{Name: s.path}, lines.New(conn, s.r.o.MaxLine))
	var read *readError
	if ctx.Err() != nil || errors.As(err, &read) {
		return nil // the client has gone; what it sent is taken
	}
	return err
}
