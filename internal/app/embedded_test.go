package app

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"logctl/store"
)

func TestOpenError(t *testing.T) {
	t.Parallel()
	of := func(cause error) error {
		return &store.Error{Kind: store.KindUnavailable, Reason: "The store can't be opened.", Err: &fs.PathError{Op: "open", Path: "/d/store/VERSION", Err: cause}}
	}
	denied := openError("/d", of(syscall.EACCES))
	var e *store.Error
	if !errors.As(denied, &e) || e.Kind != store.KindForbidden || e.Hint == "" || denied.Error() != "can't use the data directory /d: permission denied" {
		t.Errorf("no right: %v", denied)
	}
	taken := openError("/d", &store.Error{Kind: store.KindLocked, Reason: "The store in /d/store is in use.", Err: syscall.EAGAIN})
	if !errors.As(taken, &e) || e.Kind != store.KindLocked || !strings.Contains(e.Hint, "logctl serve") || strings.Contains(taken.Error(), "temporarily") {
		t.Errorf("in use: %v", taken)
	}
	if broken := openError("/d", of(syscall.EIO)); !store.IsKind(broken, store.KindUnavailable) || !strings.Contains(broken.Error(), "VERSION") {
		t.Errorf("a broken disk: %v", broken)
	}
}
