package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"

	"logctl/proxy"
	"logctl/store"
	"logctl/store/couchapi"
)

// writerName is the account that the door writes as for those who have none.
const writerName = "app_write"

// backend is a store with the door in front of it, or without.
type backend struct {
	name    string // for the log
	handler http.Handler
	door    *proxy.Door           // nil: there is none
	admin   *Conn                 // an admin's way to the store; nil: there is none here
	written func() uint64         // how often something was written to a store of this process
	release func(context.Context) // gives up the memory of what may be read again
	close   func() error
}

// Close closes the store.
func (b *backend) Close() error { return b.close() }

// bound has the door watch over the connections of a listener; see proxy.Door.Listener. conf makes them TLS, nil leaves them plain.
func (b *backend) bound(l net.Listener, conf *tls.Config) net.Listener {
	switch {
	case b.door != nil:
		return b.door.Listener(l, conf)
	case conf != nil:
		return tls.NewListener(l, conf)
	}
	return l
}

func openBackend(ctx context.Context, o ServeOptions) (*backend, error) {
	if o.CouchDB != "" {
		return openCouchDB(o)
	}
	e, err := openStore(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := e.replicator.Start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start the replicator: %w", err), e.Close())
	}
	if o.Bare {
		return &backend{name: "embedded in " + o.Data + ", without the door", handler: e.api, written: e.engine.Written, release: e.release, close: e.Close}, nil
	}
	writer := store.Caller{Name: writerName}
	door := proxy.New(proxy.Options{
		Upstream:  e.api,
		Clients:   o.clients,
		Trusted:   o.Trusted,
		AsWriter:  func(r *http.Request) *http.Request { return r.WithContext(store.WithCaller(r.Context(), writer)) },
		Writer:    writerName,
		Extend:    o.Extend,
		Limits:    o.Limits,
		Log:       o.Log,
		Trail:     true,
		MakeTrail: func(ctx context.Context) error { return makeTrail(ctx, e.adminConn()) },
	})
	closeAll := func() error { return errors.Join(door.Close(), e.Close()) }
	return &backend{name: "embedded in " + o.Data, handler: door, door: door, admin: e.adminConn(), written: e.engine.Written, release: e.release, close: closeAll}, nil
}

// openStore opens the embedded store with its admin, waiting a little for a command that has it open.
func openStore(ctx context.Context, o ServeOptions) (*embedded, error) {
	admins := func() (couchapi.Admins, error) {
		a, made, err := openAdmin(o.Data, o.AdminPasswordFile)
		if made {
			o.Log.Info("made the account admin", "password_file", adminPasswordPath(o.Data, ""))
		}
		return a, err
	}
	var e *embedded
	tell := func(err error) { o.Log.Info("another command is in the way", "reason", err.Error()) }
	err := retryLocked(ctx, serveLockWait, tell, func() (err error) {
		e, err = openEmbedded(o.Data, embeddedOptions{admins: admins, bare: o.Bare, log: o.Log})
		return err
	})
	return e, err
}

func openCouchDB(o ServeOptions) (*backend, error) {
	u, err := parseBase(o.CouchDB)
	if err != nil {
		return nil, fmt.Errorf("--couchdb: %w", err)
	}
	couch, err := proxy.NewCouchDB(proxy.CouchDBOptions{URL: u.String(), Log: o.Log})
	if err != nil {
		return nil, fmt.Errorf("--couchdb: %w", err)
	}
	door := proxy.New(proxy.Options{
		Upstream: couch,
		Clients:  o.clients,
		Trusted:  o.Trusted,
		AsWriter: proxy.BasicWriter(writerName, func() []byte { return []byte(o.WriterPassword) }),
		Writer:   writerName,
		Extend:   o.Extend,
		Limits:   o.Limits,
		Log:      o.Log,
		Trail:    true,
	})
	return &backend{name: "CouchDB at " + u.Host, handler: door, door: door, written: func() uint64 { return 0 },
		release: func(context.Context) {}, close: door.Close}, nil
}
