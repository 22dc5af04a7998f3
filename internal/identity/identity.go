// Package identity keeps what a machine is known by: a key that never leaves it, and a certificate for the key from a CA, which is
// renewed in time.
//
// The files of its directory, all readable by their owner alone:
//
//	machine.key  the key
//	machine.pem  the certificate
//	ca.pem       the root of the CA
//	join.json    where the CA is, its fingerprint and the machine's name
//
// Each is replaced as a whole, and the key is never replaced while a certificate is good, so that whatever moment a crash picks,
// the files that are there belong together or Join completes them.
package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"logctl/proxy/ca"
	"logctl/store"
)

// Paths are the files of a directory.
type Paths struct{ Key, Cert, Root, Join string }

// In gives the files of a directory.
func In(dir string) Paths {
	return Paths{filepath.Join(dir, "machine.key"), filepath.Join(dir, "machine.pem"), filepath.Join(dir, "ca.pem"), filepath.Join(dir, "join.json")}
}

// joined is join.json.
type joined struct {
	Version     int    `json:"version"` // joinVersion
	CA          string `json:"ca"`      // its address
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
}

const joinVersion = 1

func readJoined(path string) (joined, error) {
	var j joined
	text, err := os.ReadFile(path)
	if err != nil {
		return j, fmt.Errorf("read where the CA is: %w", err)
	}
	if err := json.Unmarshal(text, &j); err != nil || j.CA == "" || j.Version < 1 {
		return j, &store.Error{Kind: store.KindCorrupt, Reason: path + " is damaged", Hint: "logctl join URL writes it anew"}
	}
	if j.Version > joinVersion {
		return j, store.NewError(store.KindNewerFormat, fmt.Sprintf("%s is of version %d, written by a newer logctl", path, j.Version))
	}
	return j, nil
}

// Options of Join. All but Confirm have no default.
type Options struct {
	Dir         string
	CA          string                         // its address
	Fingerprint string                         // of its root; "" asks Confirm, unless the machine has joined that CA before
	Name        string                         // the machine's
	Secret      func() (string, error)         // the code or the secret word; asked for only if it takes one
	Confirm     func(fingerprint string) error // asks a person whether it is the right one; nil: there is none to ask
}

// Certificate is one that Join or Renew has found or got.
type Certificate struct {
	Name  string
	Until time.Time
	New   bool
}

// Join gets the machine a certificate, unless it has one from that CA that is good. Whatever an earlier call was cut off in, it
// goes on from there.
func Join(ctx context.Context, o Options) (Certificate, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return Certificate{}, fmt.Errorf("make the directory for the key: %w", err)
	}
	p := In(o.Dir)
	key, err := ca.LoadKey(p.Key)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = ca.MakeKey(p.Key)
	}
	if err != nil {
		return Certificate{}, err
	}
	fingerprint, err := o.fingerprint(ctx, p)
	if err != nil {
		return Certificate{}, err
	}
	if cert := o.good(p, key, fingerprint); cert != nil {
		return Certificate{Name: o.Name, Until: cert.NotAfter}, o.remember(p, fingerprint)
	}
	client, err := ca.NewClient(o.CA, fingerprint)
	if err != nil {
		return Certificate{}, err
	}
	secret, err := o.Secret()
	if err != nil {
		return Certificate{}, err
	}
	cert, root, err := client.Sign(ctx, key, o.Name, secret)
	if err != nil {
		return Certificate{}, err
	}
	if err := ca.WriteFile(p.Root, root, 0o600); err != nil {
		return Certificate{}, err
	}
	got, err := put(p, cert)
	if err != nil {
		return Certificate{}, err
	}
	return got, o.remember(p, fingerprint)
}

// fingerprint is by what the CA is known: as was said, as an earlier join has learned, or as a person confirms.
func (o *Options) fingerprint(ctx context.Context, p Paths) (string, error) {
	if o.Fingerprint != "" {
		return ca.ParseFingerprint(o.Fingerprint)
	}
	if j, err := readJoined(p.Join); err == nil && j.CA == o.CA {
		return j.Fingerprint, nil
	}
	client, err := ca.NewClient(o.CA, "")
	if err != nil {
		return "", err
	}
	seen, err := client.Look(ctx)
	if err != nil {
		return "", err
	}
	if o.Confirm == nil {
		return "", &store.Error{Kind: store.KindForbidden, Reason: "nobody has said that the CA is the right one",
			Hint: "compare with what logctl ca init shows on the CA's machine, then add --fingerprint " + seen}
	}
	return seen, o.Confirm(seen)
}

// good is the certificate that is there, if it does.
func (o *Options) good(p Paths, key *ecdsa.PrivateKey, fingerprint string) *x509.Certificate {
	cert, err := ca.ReadCertificate(p.Cert)
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) || cert.Subject.CommonName != o.Name || time.Now().After(cert.NotAfter) {
		return nil
	}
	root, err := ca.ReadCertificate(p.Root)
	if err != nil || ca.Fingerprint(root) != fingerprint || cert.CheckSignatureFrom(root) != nil {
		return nil
	}
	return cert
}

// remember writes join.json, unless it says the same already.
func (o *Options) remember(p Paths, fingerprint string) error {
	j := joined{Version: joinVersion, CA: o.CA, Fingerprint: fingerprint, Name: o.Name}
	if old, err := readJoined(p.Join); err == nil && old == j {
		return nil
	}
	text, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("write where the CA is: %w", err)
	}
	return ca.WriteFile(p.Join, append(text, '\n'), 0o600)
}

// put writes a certificate into its place.
func put(p Paths, text []byte) (Certificate, error) {
	if err := ca.WriteFile(p.Cert, text, 0o600); err != nil {
		return Certificate{}, err
	}
	cert, err := ca.ReadCertificate(p.Cert)
	if err != nil {
		return Certificate{}, err
	}
	return Certificate{Name: cert.Subject.CommonName, Until: cert.NotAfter, New: true}, nil
}

// Renew gets a new certificate for the machine's old one, which must still be good.
func Renew(ctx context.Context, dir string) (Certificate, error) {
	p := In(dir)
	j, err := readJoined(p.Join)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = &store.Error{Kind: store.KindNotFound, Reason: "this machine has not joined a CA", Hint: "logctl join URL; if it has, --key-dir names the directory of its key"}
		}
		return Certificate{}, err
	}
	old, err := tls.LoadX509KeyPair(p.Cert, p.Key)
	if err != nil {
		return Certificate{}, &store.Error{Kind: store.KindCorrupt, Reason: "the certificate or its key can't be read", Err: err, Hint: "logctl join " + j.CA}
	}
	client, err := ca.NewClient(j.CA, j.Fingerprint)
	if err != nil {
		return Certificate{}, err
	}
	cert, root, err := client.Renew(ctx, &old)
	if err != nil {
		return Certificate{}, err
	}
	if err := ca.WriteFile(p.Root, root, 0o600); err != nil {
		return Certificate{}, err
	}
	return put(p, cert)
}

// Due tells whether the certificate in dir should be renewed: it is in the last third of its life and came from a CA that
// Join knows.
func Due(dir string, now time.Time) bool {
	p := In(dir)
	cert, err := ca.ReadCertificate(p.Cert)
	if err != nil {
		return false
	}
	if _, err := os.Stat(p.Join); err != nil {
		return false
	}
	return now.After(cert.NotAfter.Add(-cert.NotAfter.Sub(cert.NotBefore) / 3))
}
