//go:build unix

package ship

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestOpenPipe: a pipe to which nobody writes does not keep a ship from ending.
func TestOpenPipe(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := open(ctx, pipe)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the pipe is opened: %v", err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // lets go who waits yet
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	f, err := open(t.Context(), pipe)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
