package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"logctl/proxy"
	"logctl/proxy/tenants"
	"logctl/proxy/wire"
	"logctl/store"
)

// ServeOptions say what a serve puts where. The zero value of a field means what its comment says.
type ServeOptions struct {
	Listen            string                             // address of the door
	Data              string                             // data directory
	CouchDB           string                             // URL of the CouchDB behind the door; "": the embedded store
	WriterPassword    string                             // of the service user app_write of that CouchDB
	TLSCert, TLSKey   string                             // PEM files; "": plain HTTP
	Clients           tenants.Options                    // with TLS: whose client certificates are for what; the zero value: nobody's
	Trusted           []netip.Prefix                     // proxies whose X-Forwarded headers are believed
	ACME              proxy.ACMEOptions                  // who gives certificates where there are no files; without Domains, nobody does
	RedirectListen    string                             // with TLS: an address whose callers are sent to the door; "": none
	AdminPasswordFile string                             // "": Data/admin.password, made where it is missing
	Limits            proxy.Limits                       // of the door
	Bare              bool                               // the embedded store without the door; Listen must be a loopback address
	Extend            func(buf []byte, start int) []byte // see proxy.Options; nil: nothing
	Inputs            Inputs
	Log               *slog.Logger

	clients *tenants.Clients // made of Clients
}

const (
	drainTime  = 5 * time.Second // for requests under way when a serve is asked to stop
	cancelTime = 2 * time.Second // for those still there, their contexts cancelled
)

// Serve runs the door in front of a store until ctx ends, then lets requests under way finish and closes everything in the
// reverse order of its start. Errors are of KindLocked when the data directory is in use.
func Serve(ctx context.Context, o ServeOptions) (err error) {
	if err := o.absolute(); err != nil {
		return err
	}
	if err := os.MkdirAll(o.Data, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if ad, err := readAdvert(o.Data); err != nil {
		return err
	} else if ad != nil && ad.alive() {
		return &store.Error{Kind: store.KindLocked,
			Reason: fmt.Sprintf("another logctl serve (process %d, %s) has the data directory %s open", ad.PID, ad.URL, o.Data),
			Hint:   "stop it, or give this one a directory of its own with --data"}
	}
	if o.Clients.Table != "" {
		o.Clients.Log = o.Log
		if o.clients, err = tenants.Open(o.Clients); err != nil {
			return fmt.Errorf("read what client certificates are for: %w", err)
		}
	}
	conf, redirect, err := o.secure()
	if err != nil {
		return err
	}
	back, err := openBackend(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.Close()) }()

	inputs, err := startInputs(o, back)
	if err != nil {
		return err
	}
	if inputs != nil {
		defer func() { err = errors.Join(err, inputs.Stop()) }()
		back.door.ShowAlso(inputs.Counters().AppendMetrics)
	}

	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ending, end := context.WithCancel(base)
	defer end()
	servers := &group{base: store.WithEnding(base, ending), end: end, cancel: cancel, bound: back.bound, log: o.Log}
	ad := &advert{Version: advertVersion, PID: os.Getpid(), PasswordFile: o.AdminPasswordFile, CouchDB: o.CouchDB != ""}
	if inputs != nil {
		ad.Inputs = inputs.Addresses()
	}
	door := &activity{next: withInputs(back.handler, back.door, inputs, o.Inputs.Loki)}
	defer runWhenIdle(base, door, back.written, back.release)()
	cleanup, err := listen(servers, o, conf, redirect, door, tellCounters(door, back.door, inputs), ad)
	if err != nil {
		servers.stop()
		return err
	}
	defer cleanup()
	if err := ad.write(o.Data); err != nil {
		servers.stop()
		return err
	}
	defer os.Remove(advertPath(o.Data))
	o.Log.Info("listening", "url", ad.URL, "store", back.name)

	select {
	case <-ctx.Done():
		o.Log.Info("stopping")
	case err = <-servers.failed():
	}
	servers.stop()
	return err
}

// absolute makes the paths that serve.json tells mean the same to commands that run elsewhere.
func (o *ServeOptions) absolute() (err error) {
	if o.Data, err = filepath.Abs(o.Data); err == nil && o.AdminPasswordFile != "" {
		o.AdminPasswordFile, err = filepath.Abs(o.AdminPasswordFile)
	}
	if err != nil {
		return fmt.Errorf("find the working directory: %w", err)
	}
	return nil
}

// listen opens the door's addresses, which conf and redirect are for, and starts to serve at them; ad gets to know them. local is the door
// for this machine's owner.
func listen(servers *group, o ServeOptions, conf *tls.Config, redirect func(net.Addr) http.Handler, door, local http.Handler, ad *advert) (cleanup func(), err error) {
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	ad.URL = "http://" + l.Addr().String()
	if conf != nil {
		ad.URL = "https://" + l.Addr().String()
	}
	servers.serve(servers.bound(l, conf), door)
	if o.RedirectListen != "" {
		plain, err := net.Listen("tcp", o.RedirectListen)
		if err != nil {
			return nil, fmt.Errorf("listen for redirects: %w", err)
		}
		servers.serve(servers.bound(plain, nil), redirect(l.Addr()))
	}
	socket, cleanup, err := listenSocket(o.Data)
	if err != nil {
		return nil, err
	}
	ad.Socket = socket.Addr().String()
	servers.serve(socket, local)
	return cleanup, nil
}

// group is the HTTP servers of one serve, started and stopped together.
type group struct {
	base    context.Context                              // of all requests
	end     context.CancelFunc                           // ends those that would go on for ever
	cancel  context.CancelFunc                           // ends all
	bound   func(net.Listener, *tls.Config) net.Listener // of connections from the network
	log     *slog.Logger
	servers []*http.Server
	errs    chan error
}

func (g *group) serve(l net.Listener, h http.Handler) {
	if g.errs == nil {
		g.errs = make(chan error, 8)
	}
	s := wire.NewServer(g.base, h, g.log)
	g.servers = append(g.servers, s)
	go func() {
		if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			g.errs <- fmt.Errorf("serve %s: %w", l.Addr(), err)
			return
		}
		g.errs <- nil
	}()
}

// failed tells of a server that ended by itself.
func (g *group) failed() <-chan error { return g.errs }

// stop closes the listeners, ends the feeds, waits for the requests under way, cancels those that do not end, and waits for the
// servers.
func (g *group) stop() {
	ctx, done := context.WithTimeout(context.Background(), drainTime+cancelTime)
	defer done()
	g.end()
	defer time.AfterFunc(drainTime, g.cancel).Stop()
	for _, s := range g.servers {
		if err := s.Shutdown(ctx); err != nil {
			s.Close()
		}
	}
}
