package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"logctl/internal/fauxton"
	"logctl/store"
	"logctl/store/couchapi"
	"logctl/store/engine"
	"logctl/store/replicate"
	"logctl/store/view"
)

// embedded is the embedded store of a data directory, open in this process.
type embedded struct {
	engine *engine.Engine
	views  *view.Manager
	api    *couchapi.Handler
	// replicator runs what _replicate asks for; it heeds the _replicator database once it is started.
	replicator *replicate.Manager
}

// openEmbedded opens the store in dir, making it where there is none. admins is called once the directory is ours alone; nil
// stands for no admin with a password. The error is of KindLocked when another process has the directory open.
func openEmbedded(dir string, admins func() (couchapi.Admins, error), log *slog.Logger) (*embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dataError(dir, err)
	}
	e := &embedded{}
	var err error
	if e.engine, err = engine.Open(filepath.Join(dir, "store"), engine.Options{Log: log}); err != nil {
		return nil, openError(dir, err)
	}
	var known couchapi.Admins
	if admins != nil {
		if known, err = admins(); err != nil {
			return nil, errors.Join(err, e.engine.Close())
		}
	}
	e.views = view.New(view.Options{Log: log})
	e.replicator = replicate.NewManager(replicate.ManagerOptions{
		Local:  func(c store.Caller) http.RoundTripper { return e.api.Transport(c) },
		Server: e.engine.UUID(),
		Node:   couchapi.NodeName,
		Log:    log,
	})
	e.api = couchapi.New(couchapi.Options{
		Engine: e.engine, Views: e.views, Admins: known, Log: log, Fauxton: fauxton.Files(dir), Replicator: e.replicator,
	})
	return e, nil
}

// release gives up the memory of what was read and may be read again.
func (e *embedded) release() {
	e.views.Release()
	e.engine.Release()
}

// Close closes what openEmbedded opened, the last first.
func (e *embedded) Close() error {
	return errors.Join(e.replicator.Close(), e.api.Close(), e.views.Close(), e.engine.Close())
}

// openError says what keeps the store in a data directory from being opened. The account's lack of rights is told as where the
// directory can't be made.
func openError(dir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return dataError(dir, err)
	case store.IsKind(err, store.KindLocked):
		return &store.Error{Kind: store.KindLocked, Reason: "another command has the data directory " + dir + " open",
			Hint: "a logctl ship --follow keeps it to itself, unless logctl serve was running before: with that all commands share the store"}
	}
	return fmt.Errorf("open the data directory %s: %w", dir, err)
}

// dataError says what is wrong with a data directory that can't be used at all.
func dataError(dir string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	e := &store.Error{Kind: store.KindInternal, Reason: "can't use the data directory " + dir, Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Kind = store.KindForbidden
		e.Hint = "use the account that owns it, another directory (LOGCTL_DATA or --data), or a logctl serve (LOGCTL_URL)"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		e.Hint = "LOGCTL_DATA or --data names the directory"
	}
	return e
}
