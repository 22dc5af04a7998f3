package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"logctl/store"
)

// advert is serve.json: how commands on this machine find the serve that has a data directory open.
type advert struct {
	Version      int    `json:"version"` // advertVersion
	PID          int    `json:"pid"`
	URL          string `json:"url"`                     // where it listens for the network
	Socket       string `json:"socket"`                  // a Unix socket that only the owner may use
	PasswordFile string `json:"password_file,omitempty"` // of the admin, when not in the data directory
	CouchDB      bool   `json:"couchdb,omitempty"`       // in front of a CouchDB: there is no admin password here

	Inputs map[string]string `json:"inputs,omitempty"` // where they listen, by the flags' names
}

const advertVersion = 1

func advertPath(dir string) string { return filepath.Join(dir, "serve.json") }

// readAdvert reads serve.json; nil if there is none.
func readAdvert(dir string) (*advert, error) {
	text, err := os.ReadFile(advertPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, dataError(dir, err)
	}
	var ad advert
	if err := json.Unmarshal(text, &ad); err != nil {
		return nil, nil // being written, or left by a crash: whoever holds the lock decides
	}
	if ad.Version > advertVersion {
		return nil, store.NewError(store.KindNewerFormat, fmt.Sprintf("%s is of version %d, written by a newer logctl", advertPath(dir), ad.Version))
	}
	return &ad, nil
}

// write puts serve.json in place in one step.
func (a *advert) write(dir string) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write serve.json: %w", err)
	}
	tmp := advertPath(dir) + ".new"
	if err := os.WriteFile(tmp, append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("write serve.json: %w", err)
	}
	if err := os.Rename(tmp, advertPath(dir)); err != nil {
		return fmt.Errorf("write serve.json: %w", err)
	}
	return nil
}

func (a *advert) dial(ctx context.Context) (net.Conn, error) {
	return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", a.Socket)
}

// alive tells whether somebody listens at the socket.
func (a *advert) alive() bool {
	c, err := a.dial(context.Background())
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// transport sends every request through the socket, whatever host it names.
func (a *advert) transport() *http.Transport {
	return &http.Transport{
		DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return a.dial(ctx) },
		MaxIdleConnsPerHost: 8,
	}
}

// maxSocketPath is what a Unix socket's address holds on every system.
const maxSocketPath = 100

// listenSocket listens at DIR/serve.sock, or in a new directory of the system's for temporary files where that path is too
// long. cleanup removes what was made.
func listenSocket(dir string) (l net.Listener, cleanup func(), err error) {
	path, cleanup := filepath.Join(dir, "serve.sock"), func() {}
	if len(path) > maxSocketPath {
		tmp, err := os.MkdirTemp("", "logctl-")
		if err != nil {
			return nil, nil, fmt.Errorf("make a directory for the socket: %w", err)
		}
		path, cleanup = filepath.Join(tmp, "serve.sock"), func() { os.RemoveAll(tmp) }
	} else if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("remove the socket of an earlier run: %w", err)
	}
	l, err = net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		cleanup()
		return nil, nil, fmt.Errorf("listen at the data directory's socket: %w", err)
	}
	return l, cleanup, nil
}

// Serving is where the serve that has the data directory dir open listens for the network, and its process; "" and 0 if there
// is none, or none that tells yet. Whether it still runs is not looked into.
func Serving(dir string) (url string, pid int) {
	ad, err := readAdvert(dir)
	if err != nil || ad == nil {
		return "", 0
	}
	return ad.URL, ad.PID
}
