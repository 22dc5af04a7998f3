package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"

	"logctl/proxy"
	"logctl/proxy/lines"
	"logctl/store"
)

// Inputs say what a serve takes besides what is posted to its door. The zero Inputs is nothing.
type Inputs struct {
	SyslogUDP, SyslogTCP, SyslogTLS, LinesTLS string // addresses; "": not
	Loki                                      bool   // pushes in Grafana Loki's form, at the door's address
	ClientCA                                  string // PEM file of those who sign the certificates that SyslogTLS and LinesTLS ask for; "": they ask for none
	Table                                     *lines.Table
	Compile                                   func(lines.Format) (func() lines.Formatter, error)
	// EnsureApp makes an app; conn is an admin's. nil: apps that are missing are not made.
	EnsureApp func(ctx context.Context, conn *Conn, app string) error
}

func (i *Inputs) any() bool {
	return i.Loki || i.SyslogUDP+i.SyslogTCP+i.SyslogTLS+i.LinesTLS != ""
}

// startInputs starts what o asks for; nil if that is nothing. Whoever calls it stops it.
func startInputs(o ServeOptions, back *backend) (*lines.Server, error) {
	i := &o.Inputs
	if !i.any() {
		return nil, nil
	}
	lo := lines.Options{SyslogUDP: i.SyslogUDP, SyslogTCP: i.SyslogTCP, SyslogTLS: i.SyslogTLS, LinesTLS: i.LinesTLS,
		Table: i.Table, Compile: i.Compile, Sink: back.door.Sender(), Extend: o.Extend, Log: o.Log}
	if i.SyslogTLS+i.LinesTLS != "" {
		var err error
		if lo.TLS, err = inputsTLS(&o, i.ClientCA); err != nil {
			return nil, err
		}
	}
	if o.clients != nil {
		lo.Owned = o.clients.Owned
	}
	if i.EnsureApp != nil && back.admin != nil {
		lo.Prepare = func(ctx context.Context, app string) error { return i.EnsureApp(ctx, back.admin, app) }
	}
	return lines.Start(lo)
}

// inputsTLS is the TLS of inputs: with clientCA only peers come in whose certificates somebody in that file has signed.
func inputsTLS(o *ServeOptions, clientCA string) (*tls.Config, error) {
	conf, err := proxy.TLSConfig(o.TLSCert, o.TLSKey, o.Log)
	if err != nil || clientCA == "" {
		return conf, err
	}
	text, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, fmt.Errorf("read who signs certificates of clients: %w", err)
	}
	conf.ClientCAs = x509.NewCertPool()
	if !conf.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("there is no certificate in %s", clientCA)
	}
	conf.ClientAuth, conf.NextProtos = tls.RequireAndVerifyClientCert, nil
	return conf, nil
}

// withInputs is the door with what inputs have at its address.
func withInputs(next http.Handler, door *proxy.Door, in *lines.Server, loki bool) http.Handler {
	if in == nil || !loki {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case lines.PushPath:
			in.Push(w, r, door.SenderFor(r), door.Receive)
		case "/ready": // some of Loki's senders ask for it before they begin
			_, _ = w.Write([]byte("ready\n")) // an error here is the client's going
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// adminConn is the way of an admin to the embedded store in this process.
func (e *embedded) adminConn() *Conn {
	return &Conn{BaseURL: localURL, Transport: e.api.Transport(store.Caller{Name: AdminName, Roles: []string{store.AdminRole}}), InProcess: true}
}
