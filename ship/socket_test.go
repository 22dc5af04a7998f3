package ship

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"logctl/store"
)

// TestSocket has several clients that write at a time, while the server is away first.
func TestSocket(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.fault = func(request int) fault {
		if request < 4 {
			return connRefused
		}
		return fine
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // what a killed run leaves
	o := plainOptions(f)
	o.Sockets, o.Follow, o.Spool.Dir = []string{path}, true, filepath.Join(dir, "spool")
	ctx, cancel := context.WithCancel(t.Context())
	const clients, each = 8, 500
	o.Progress = func(p Progress) {
		if p.Sent == clients*each {
			cancel()
		}
	}
	done := make(chan error)
	go func() {
		s, err := Run(ctx, o)
		balance(t, s)
		done <- err
	}()
	var want strings.Builder
	for client := range clients {
		var text strings.Builder
		for i := range each {
			fmt.Fprintf(&text, "%d.%d\n", client, i)
		}
		want.WriteString(text.String())
		go func() {
			conn := dial(t, path)
			defer conn.Close()
			if _, err := conn.Write([]byte(strings.TrimSuffix(text.String(), "\n"))); err != nil {
				t.Error(err)
			}
		}()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	wantLines(t, f, want.String())
	if _, err := os.Lstat(path); err == nil {
		t.Error("the socket is left")
	}
}

// dial connects as soon as somebody listens.
func dial(t *testing.T, path string) net.Conn {
	for t.Context().Err() == nil {
		if conn, err := net.Dial("unix", path); err == nil {
			return conn
		}
	}
	t.Error("nobody listens")
	return nil
}

func TestSocketTaken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	o := plainOptions(newFake(t))
	o.Sockets, o.Follow = []string{path}, true
	if _, err := Run(t.Context(), o); !store.IsKind(err, store.KindLocked) {
		t.Errorf("error %v", err)
	}
	o.Sockets = []string{write(t, filepath.Join(dir, "file"), "x")}
	if _, err := Run(t.Context(), o); err == nil {
		t.Error("a file in its place was taken for a socket")
	}
}
