// Package app puts logctl together: it finds the way to a store for a command, and assembles, starts and stops what `logctl
// serve` runs. It is the only package that knows all the others.
//
// A data directory holds store/ (the embedded engine), admin.password and, while a serve runs, serve.json, which tells other
// commands on the machine where its socket is.
package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"logctl/internal/config"
	"logctl/store"
)

// Conn is a command's way to a store: in process, a serve on this machine, or a server elsewhere.
type Conn struct {
	BaseURL   string            // without a slash at the end
	Transport http.RoundTripper // signs requests in where there is somebody to sign in as
	Anonymous bool              // no account is signed in: the server takes writes and does not tell new docs from known ones
	Token     bool              // a token goes with requests, which may read or write some apps
	InProcess bool              // no network in between
	Config    config.Config     // what it was connected by
	Where     string            // where the store is, in words for a person
	local     bool              // a serve on this machine, by its socket
	close     func() error
}

// Close releases what Connect opened.
func (c *Conn) Close() error { return c.close() }

// How long a command, or a serve, waits for another command that has the data directory open, and when it tells so.
const (
	lockWait      = 20 * time.Second
	serveLockWait = 5 * time.Second
	lockTold      = 500 * time.Millisecond
)

// Connect opens the way to the store: at cfg.URL if there is one, else through a serve that has cfg.Data open, else by opening
// cfg.Data in this process. Errors are of KindLocked when another command keeps the directory for too long. tell, unless nil, is
// called with what is waited for.
func Connect(ctx context.Context, cfg config.Config, tell func(error)) (*Conn, error) {
	var conn *Conn
	var err error
	if cfg.URL != "" {
		conn, err = connectRemote(cfg)
	} else {
		err = retryLocked(ctx, lockWait, tell, func() (err error) {
			if conn, err = connectServe(cfg.Data); conn == nil && err == nil {
				conn, err = connectEmbedded(cfg.Data)
			}
			return err
		})
	}
	if err != nil {
		return nil, err
	}
	conn.Config = cfg
	return conn, nil
}

// retryLocked calls open again and again while it says KindLocked and wait has not passed. It tells once what is waited for.
func retryLocked(ctx context.Context, wait time.Duration, tell func(error), open func() error) error {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	start := time.Now()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := open()
		if !store.IsKind(err, store.KindLocked) {
			return err
		}
		if tell != nil && time.Since(start) > lockTold {
			tell(fmt.Errorf("waiting up to %s: %w", wait, err))
			tell = nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// localURL is the base of requests that never leave the process or the machine.
const localURL = "http://localhost"

func connectEmbedded(dir string) (*Conn, error) {
	e, err := openEmbedded(dir, embeddedOptions{log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	conn := e.adminConn()
	conn.Where, conn.close = "the directory "+dir, e.Close
	return conn, nil
}

func connectServe(dir string) (*Conn, error) {
	ad, err := readAdvert(dir)
	if err != nil || ad == nil {
		return nil, err
	}
	if !ad.alive() {
		return nil, nil
	}
	conn := &Conn{BaseURL: localURL, Anonymous: true, local: true, Where: "the logctl serve of the directory " + dir}
	socket := ad.transport()
	conn.Transport = socket
	conn.close = func() error { socket.CloseIdleConnections(); return nil }
	if ad.CouchDB {
		return conn, nil
	}
	password, err := config.ReadSecret(adminPasswordPath(dir, ad.PasswordFile))
	if err != nil {
		return nil, fmt.Errorf("sign in at the logctl serve of this machine: %w", err)
	}
	conn.Transport = authorized{next: socket, host: "localhost", header: basic(AdminName, password)}
	conn.Anonymous = false
	return conn, nil
}
