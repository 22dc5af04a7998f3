package kernel

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// kmsg is /dev/kmsg.
type kmsg struct{ file *os.File }

func openDevice() (device, error) {
	f, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return newKmsg(f), nil
}

func newKmsg(f *os.File) *kmsg { return &kmsg{f} }

func (k *kmsg) read(ctx context.Context, b []byte, wait bool) (n int, err error) {
	conn, err := k.file.SyscallConn()
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = k.file.SetReadDeadline(time.Now()) })
	defer stop()
	connErr := conn.Read(func(fd uintptr) bool {
		for {
			if n, err = unix.Read(int(fd), b); err != syscall.EINTR {
				break
			}
		}
		return err != syscall.EAGAIN || !wait
	})
	switch {
	case ctx.Err() != nil:
		return 0, ctx.Err()
	case connErr != nil:
		return 0, connErr
	case err == syscall.EAGAIN:
		return 0, errNoMore
	case err == syscall.EPIPE:
		return 0, errOverwritten
	case err != nil:
		return 0, &os.PathError{Op: "read", Path: k.file.Name(), Err: err}
	case n == 0:
		return 0, errors.New("/dev/kmsg has an end")
	}
	return n, nil
}

func (k *kmsg) close() { k.file.Close() }
