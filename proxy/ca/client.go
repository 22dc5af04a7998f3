package ca

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"logctl/store"
)

// Client asks a Signer.
type Client struct {
	base        string
	host        string
	fingerprint string
}

// NewClient makes a client of the CA at an https:// address that has that fingerprint.
func NewClient(address, fingerprint string) (*Client, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, bad("the CA's address must look like https://ca.example.com:5986")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, bad("the CA's address must have no account, no query and no fragment")
	}
	return &Client{base: strings.TrimSuffix(u.String(), "/"), host: u.Hostname(), fingerprint: fingerprint}, nil
}

const (
	clientTime = 30 * time.Second
	maxPEM     = 1 << 20 // bytes of an answer
)

// errOther is the error of a server that is not the CA that it should be.
var errOther = &store.Error{Kind: store.KindForbidden, Reason: "the server does not show the CA with that fingerprint",
	Hint: "on the CA's machine: logctl ca init shows its fingerprint; if it is another one, somebody else is answering"}

// verify takes a server whose certificate comes from the root with the fingerprint, which it sends with it.
func (c *Client) verify(cs tls.ConnectionState) error {
	for _, cert := range cs.PeerCertificates[1:] {
		if !cert.IsCA || Fingerprint(cert) != c.fingerprint {
			continue
		}
		roots := x509.NewCertPool()
		roots.AddCert(cert)
		_, err := cs.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, DNSName: c.host})
		return err
	}
	return errOther
}

// http is a client that talks to the CA alone; own is shown to it if it is not nil.
func (c *Client) http(own *tls.Certificate) *http.Client {
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // no other root counts here: verify does it all
		VerifyConnection:   c.verify,
	}
	if own != nil {
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
	}
	return &http.Client{
		Timeout:       clientTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, DisableKeepAlives: true,
			DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		},
	}
}

// Look gives the fingerprint of the root that the server shows, for a person to compare. Nothing says yet that it is the right one.
func (c *Client) Look(ctx context.Context) (fingerprint string, err error) {
	look := c.http(nil)
	look.Transport.(*http.Transport).TLSClientConfig.VerifyConnection = func(cs tls.ConnectionState) error {
		chain := cs.PeerCertificates
		if last := chain[len(chain)-1]; last.IsCA {
			fingerprint = Fingerprint(last)
			return (&Client{host: c.host, fingerprint: fingerprint}).verify(cs)
		}
		return errOther
	}
	if _, err := send(ctx, look, http.MethodGet, c.base+"/ca", nil); err != nil {
		return "", err
	}
	return fingerprint, nil
}

// Sign asks for a certificate. It gives it and the root, both in PEM, after it has checked that it is for the key and the name.
func (c *Client) Sign(ctx context.Context, key *ecdsa.PrivateKey, name, secret string) (cert, root []byte, err error) {
	csr, err := NewRequest(key, name, secret)
	if err != nil {
		return nil, nil, err
	}
	return c.get(ctx, nil, "/sign", csr, key, name)
}

// Renew asks for a new certificate of an old one's name, for the same key.
func (c *Client) Renew(ctx context.Context, old *tls.Certificate) (cert, root []byte, err error) {
	key, ok := old.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, bad("the certificate's key is no ECDSA key")
	}
	name := old.Leaf.Subject.CommonName
	csr, err := NewRequest(key, name, "")
	if err != nil {
		return nil, nil, err
	}
	return c.get(ctx, old, "/renew", csr, key, name)
}

func (c *Client) get(ctx context.Context, own *tls.Certificate, path string, csr []byte, key *ecdsa.PrivateKey, name string) (cert, root []byte, err error) {
	if root, err = send(ctx, c.http(nil), http.MethodGet, c.base+"/ca", nil); err != nil {
		return nil, nil, err
	}
	r, err := parseCertificate(root)
	if err != nil || Fingerprint(r) != c.fingerprint {
		return nil, nil, errOther
	}
	if cert, err = send(ctx, c.http(own), http.MethodPost, c.base+path, csr); err != nil {
		return nil, nil, err
	}
	leaf, err := parseCertificate(cert)
	if err != nil || leaf.CheckSignatureFrom(r) != nil || !key.PublicKey.Equal(leaf.PublicKey) || leaf.Subject.CommonName != name {
		return nil, nil, store.NewError(store.KindInternal, "the CA has answered with something else than the certificate asked for")
	}
	return pemCert(leaf.Raw), pemCert(r.Raw), nil
}

// send sends one request and reads the answer.
func send(ctx context.Context, client *http.Client, method, address string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the CA: %w", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/pkcs10")
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, unreachable(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxPEM))
	if err != nil {
		return nil, unreachable(err)
	}
	if res.StatusCode == http.StatusOK {
		return text, nil
	}
	var said struct{ Error, Reason string }
	if json.Unmarshal(text, &said) != nil || said.Reason == "" {
		return nil, store.NewError(store.KindFor(res.StatusCode, ""), fmt.Sprintf("the server answers %s: is it a CA?", res.Status))
	}
	return nil, store.NewError(store.KindFor(res.StatusCode, said.Error), "the CA says: "+said.Reason)
}

// unreachable gives an error of the network its kind.
func unreachable(err error) error {
	var e *store.Error
	if errors.As(err, &e) {
		return e
	}
	var host x509.HostnameError
	if errors.As(err, &host) {
		return &store.Error{Kind: store.KindForbidden, Reason: "the CA's certificate is for another host", Err: host,
			Hint: "ask by a name that logctl ca serve --host was given"}
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return &store.Error{Kind: store.KindUnavailable, Reason: "the CA can't be reached", Err: err}
}
