package app

import (
	"crypto/tls"
	"net"
	"net/http"
	"path/filepath"

	"logctl/proxy"
	"logctl/store"
)

// secure is the TLS that a serve listens with, nil for none, and what sends callers there from plain HTTP, by the address where it listens.
func (o *ServeOptions) secure() (conf *tls.Config, redirect func(net.Addr) http.Handler, err error) {
	switch {
	case len(o.ACME.Domains) > 0:
		a := o.ACME
		a.Cache, a.Log = filepath.Join(o.Data, "acme"), o.Log
		acme := proxy.NewACME(a)
		conf, redirect = acme.TLSConfig(), acme.Redirect
	case o.TLSCert != "":
		if conf, err = proxy.TLSConfig(o.TLSCert, o.TLSKey, o.Log); err != nil {
			return nil, nil, &store.Error{Kind: store.KindInternal, Reason: "can't serve with TLS", Err: err,
				Hint: "--tls-cert names a PEM file with the certificate and its chain, --tls-key one with its key"}
		}
		redirect = proxy.Redirect
	default:
		return nil, nil, nil
	}
	if o.clients != nil {
		proxy.AskForCertificates(conf, o.clients.Pool)
	}
	return conf, redirect, nil
}
