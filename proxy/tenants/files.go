package tenants

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"sync"
	"time"
)

// file is a file's content that is read again when the file has changed.
type file[T any] struct {
	path  string
	parse func([]byte) (T, error)
	log   *slog.Logger
	told  func() // hears that what the file says has changed; nil: nobody does

	mu    sync.Mutex
	seen  os.FileInfo // guarded by mu; as it was when it was read last
	again time.Time   // guarded by mu; when it is read again although it looks as it did, for it could not be read; zero: it could
	value T           // guarded by mu
}

// readAgain is after how long a file that could not be read is read again: what was wrong may be elsewhere, in its mode, or in the CAs
// that have not come yet while a list that they signed has.
const readAgain = 5 * time.Second

// read reads the file for the first time.
func (f *file[T]) read() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	return f.load(info)
}

// load reads the file, which looked so before.
func (f *file[T]) load(info os.FileInfo) error {
	f.seen, f.again = info, time.Now().Add(readAgain)
	text, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	value, err := f.parse(text)
	if err != nil {
		return fmt.Errorf("read %s: %w", f.path, err)
	}
	f.value, f.again = value, time.Time{}
	return nil
}

// get is what the file says; while that can't be read, what it said before.
func (f *file[T]) get() T {
	info, err := os.Stat(f.path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		if f.seen != nil {
			f.log.Warn("file is gone, what it said stays in force", "err", err)
		}
		f.seen = nil
		return f.value
	}
	changed := f.seen == nil || !os.SameFile(info, f.seen) || info.Size() != f.seen.Size() || !info.ModTime().Equal(f.seen.ModTime())
	if !changed && (f.again.IsZero() || time.Now().Before(f.again)) {
		return f.value
	}
	switch err := f.load(info); {
	case err == nil:
		f.log.Info("file read again", "file", f.path)
		if f.told != nil {
			f.told()
		}
	case changed:
		f.log.Warn("file can't be read, what it said before stays in force", "err", err)
	}
	return f.value
}

// blocks are the contents of a PEM file's blocks of that type.
func blocks(text []byte, kind string) (all [][]byte) {
	for {
		var b *pem.Block
		if b, text = pem.Decode(text); b == nil {
			return all
		}
		if b.Type == kind {
			all = append(all, b.Bytes)
		}
	}
}

func parseCAs(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, der := range blocks(text, "CERTIFICATE") {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		all = append(all, cert)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no certificate in PEM")
	}
	return all, nil
}

// serial is a certificate's issuer and number.
type serial struct{ issuer, number string }

func serialOf(issuer []byte, number *big.Int) serial { return serial{string(issuer), number.String()} }

// revocations are certificates that don't count any more.
type revocations struct {
	serials map[serial]bool
	until   map[string]time.Time // by the issuer, when its list must have been replaced by a newer one
}

// parseCRL reads revocation lists, each signed by one of the CAs.
func (c *Clients) parseCRL(text []byte) (revocations, error) {
	all := revocations{map[serial]bool{}, map[string]time.Time{}}
	lists := blocks(text, "X509 CRL")
	if len(lists) == 0 {
		return all, errors.New("it holds no revocation list in PEM")
	}
	for _, der := range lists {
		list, err := x509.ParseRevocationList(der)
		if err != nil {
			return all, err
		}
		if !c.signed(list) {
			return all, errors.New("its revocation list is signed by none of the CAs")
		}
		for _, e := range list.RevokedCertificateEntries {
			all.serials[serialOf(list.RawIssuer, e.SerialNumber)] = true
		}
		issuer := string(list.RawIssuer)
		if until, ok := all.until[issuer]; !list.NextUpdate.IsZero() && (!ok || list.NextUpdate.After(until)) {
			all.until[issuer] = list.NextUpdate
		}
	}
	return all, nil
}

func (c *Clients) signed(list *x509.RevocationList) bool {
	for _, ca := range c.cas.get() {
		if list.CheckSignatureFrom(ca) == nil {
			return true
		}
	}
	return false
}
