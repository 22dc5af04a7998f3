package ca

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"
)

// splitHosts tells names from addresses.
func splitHosts(hosts []string) (names []string, addresses []net.IP) {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			addresses = append(addresses, ip)
		} else {
			names = append(names, h)
		}
	}
	return names, addresses
}

// IssueServer writes a server's certificate with the CA's root behind it and, before them, its key to a file that only its owner may
// read. A key that is in the file already stays. hosts are names and addresses, one at least.
func (c *CA) IssueServer(path string, hosts []string, life time.Duration) error {
	r := &request{name: hosts[0], dns: hosts[1:]}
	for _, h := range hosts {
		if net.ParseIP(h) == nil {
			if err := CheckName(h); err != nil {
				return fmt.Errorf("host %s: %w", h, err)
			}
		}
	}
	text, err := os.ReadFile(path)
	var key *ecdsa.PrivateKey
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if key, err = MakeKey(path); err != nil {
			return err
		}
	case err != nil:
		return fmt.Errorf("read the key: %w", err)
	default:
		if key, err = parseKey(text, path); err != nil {
			return err
		}
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("make a certificate: %w", err)
	}
	sum := sha256.Sum256(spki)
	r.key, r.keyID = key.Public(), hex.EncodeToString(sum[:])
	now := time.Now().UTC()
	var der []byte
	err = c.book.do(func() ([]record, error) {
		rec, err := c.issue(r, life, true, now)
		rec.By, der = byAdmin, rec.Cert
		return []record{rec}, err
	})
	if err != nil {
		return err
	}
	out, err := pemKey(key)
	if err != nil {
		return err
	}
	return WriteFile(path, append(append(out, pemCert(der)...), c.Root()...), 0o600)
}

// serverCertificate is the signer's own certificate, made or made anew where it does not fit or its end is near.
func (c *CA) serverCertificate(hosts []string) (*tls.Certificate, error) {
	path := filepath.Join(c.dir, serverFile)
	cert, err := tls.LoadX509KeyPair(path, path)
	if err == nil && c.serves(cert.Leaf, hosts) {
		return &cert, nil
	}
	if err := c.IssueServer(path, hosts, DefaultLife); err != nil {
		return nil, err
	}
	cert, err = tls.LoadX509KeyPair(path, path)
	if err != nil {
		return nil, fmt.Errorf("read the signer's certificate: %w", err)
	}
	return &cert, nil
}

// serves tells whether a certificate is ours, for all hosts, and good for a third of its life.
func (c *CA) serves(cert *x509.Certificate, hosts []string) bool {
	if cert.CheckSignatureFrom(c.root) != nil || time.Until(cert.NotAfter) < cert.NotAfter.Sub(cert.NotBefore)/3 {
		return false
	}
	for _, h := range hosts {
		if cert.VerifyHostname(h) != nil {
			return false
		}
	}
	return true
}
