package app

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"

	"logctl/internal/config"
	"logctl/store"
)

// ClientTLS is how a client trusts a server and shows who it is; nil where there is nothing to say.
func ClientTLS(cfg config.Config) (*tls.Config, error) {
	if cfg.KeyFile != "" && cfg.CertFile == "" {
		return nil, &store.Error{Kind: store.KindBadRequest, Reason: "a key is named and no certificate", Hint: "LOGCTL_CERT_FILE=FILE or --cert-file FILE"}
	}
	if cfg.CertFile == "" && cfg.CAFile == "" {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(cfg.CertFile, cmp.Or(cfg.KeyFile, cfg.CertFile))
			if err != nil {
				return nil, badFile("the client's certificate", "LOGCTL_CERT_FILE (--cert-file) and LOGCTL_KEY_FILE (--key-file) name it; logctl join URL gets one from a CA", err)
			}
			return &cert, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		// Read again for each connection: a command that runs for weeks gets to know a renewed one.
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	if cfg.CAFile != "" {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		text, err := os.ReadFile(cfg.CAFile)
		if err == nil && !roots.AppendCertsFromPEM(text) {
			err = errors.New("there is no certificate in " + cfg.CAFile)
		}
		if err != nil {
			return nil, badFile("the roots to trust", "LOGCTL_CA_FILE (--ca-file) names them; logctl join URL gets those of a CA", err)
		}
		conf.RootCAs = roots
	}
	return conf, nil
}

// badFile is an error of a file that the settings name, with what may be done about it.
func badFile(what, hint string, err error) error {
	e := &store.Error{Kind: store.KindInternal, Reason: "can't read " + what, Err: err, Hint: hint}
	if errors.Is(err, fs.ErrPermission) {
		e.Kind, e.Hint = store.KindForbidden, "run it as the account that owns the file, or as root"
	}
	return e
}
