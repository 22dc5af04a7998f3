package app

import (
	"crypto/tls"
	"net/http"
	"path/filepath"

	"logctl/proxy"
)

// secure is the TLS that a serve listens with, nil for none, and what its redirects from plain HTTP go through.
func (o *ServeOptions) secure() (conf *tls.Config, plain func(http.Handler) http.Handler, err error) {
	plain = func(h http.Handler) http.Handler { return h }
	switch {
	case len(o.ACME.Domains) > 0:
		a := o.ACME
		a.Cache, a.Log = filepath.Join(o.Data, "acme"), o.Log
		acme := proxy.NewACME(a)
		conf, plain = acme.TLSConfig(), acme.Handler
	case o.TLSCert != "":
		if conf, err = proxy.TLSConfig(o.TLSCert, o.TLSKey, o.Log); err != nil {
			return nil, nil, err
		}
	default:
		return nil, plain, nil
	}
	if o.clients != nil {
		proxy.AskForCertificates(conf, o.clients.Pool)
	}
	return conf, plain, nil
}
