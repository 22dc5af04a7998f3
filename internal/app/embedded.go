package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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

// embeddedOptions of openEmbedded.
type embeddedOptions struct {
	admins func() (couchapi.Admins, error) // called once the directory is ours alone; nil: no admin with a password
	bare   bool                            // no door is before it
	log    *slog.Logger
}

// openEmbedded opens the store in dir, making it where there is none. The error is of KindLocked when another process has the
// directory open.
func openEmbedded(dir string, o embeddedOptions) (*embedded, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, dataError(dir, err)
	}
	e := &embedded{}
	var err error
	if e.engine, err = engine.Open(filepath.Join(dir, "store"), engine.Options{Log: o.log}); err != nil {
		return nil, openError(dir, err)
	}
	var known couchapi.Admins
	if o.admins != nil {
		if known, err = o.admins(); err != nil {
			return nil, errors.Join(err, e.engine.Close())
		}
	}
	e.views = view.New(view.Options{Log: o.log})
	e.replicator = replicate.NewManager(replicate.ManagerOptions{
		Local:  func(c store.Caller) http.RoundTripper { return e.api.Transport(c) },
		Server: e.engine.UUID(),
		Node:   couchapi.NodeName,
		Log:    o.log,
	})
	e.api = couchapi.New(couchapi.Options{
		Engine: e.engine, Views: e.views, Admins: known, Bare: o.bare, Log: o.log, Fauxton: fauxton.Files(dir), Replicator: e.replicator,
	})
	return e, nil
}

// release gives up the memory of what was read and may be read again.
func (e *embedded) release(ctx context.Context) {
	e.views.Release()
	e.engine.Release(ctx)
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
		return &store.Error{Kind: store.KindLocked, Reason: holder(err) + " has the data directory " + dir + " open",
			Hint: "run it again when that has ended; what does not end, as ship --follow, shares the store with all commands if logctl serve was started before it"}
	}
	return fmt.Errorf("open the data directory %s: %w", dir, err)
}

// holder says in words who keeps the store from being opened.
func holder(err error) string {
	var held *engine.HeldError
	if !errors.As(err, &held) {
		return "another command"
	}
	who := fmt.Sprintf("process %d", held.PID)
	const most = 120 // characters of a command line, which names files
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", held.PID))
	words := strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(string(line), "\x00", " "), "?"))
	if err != nil || len(words) == 0 {
		return who
	}
	words[0] = filepath.Base(words[0])
	if text := []rune(strings.Join(words, " ")); len(text) > most {
		return fmt.Sprintf("%s (%s…)", who, string(text[:most]))
	}
	return fmt.Sprintf("%s (%s)", who, strings.Join(words, " "))
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
