package ca

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"logctl/store"
)

// crlLife is how long a revocation list is good.
const crlLife = 30 * 24 * time.Hour

// Revoke revokes the certificate with a serial number, with what it was renewed by or renews, or all live ones of a name, and writes the
// revocation list. It gives those that it has revoked: none if they were revoked already. KindNotFound says that there are no such certificates.
func (c *CA) Revoke(serialOrName string) ([]Issued, error) {
	now := time.Now().UTC()
	var revoked []*Issued
	err := c.book.do(func() ([]record, error) {
		found := c.book.byName[serialOrName]
		if one := c.book.bySerial[strings.ToLower(strings.ReplaceAll(serialOrName, ":", ""))]; one != nil {
			found = c.book.family(one)
		}
		if len(found) == 0 {
			return nil, &store.Error{Kind: store.KindNotFound, Reason: fmt.Sprintf("there is no certificate %q", serialOrName),
				Hint: "logctl ca list"}
		}
		var records []record
		for _, i := range found {
			if i.Live(now) {
				records = append(records, record{Time: now, What: whatRevoke, Serial: i.Serial})
				revoked = append(revoked, i)
			}
		}
		return records, nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]Issued, len(revoked))
	for i, r := range revoked {
		list[i] = *r
	}
	return list, c.WriteCRL()
}

// CRL is the revocation list in PEM, as of now.
func (c *CA) CRL() ([]byte, error) {
	now := time.Now().UTC()
	var entries []x509.RevocationListEntry
	err := c.book.do(func() ([]record, error) {
		for _, i := range c.book.issued {
			if i.Revoked.IsZero() || !now.Before(i.Expires) {
				continue
			}
			serial, ok := new(big.Int).SetString(i.Serial, 16)
			if !ok {
				return nil, c.book.damaged("the serial number " + i.Serial + " is none")
			}
			entries = append(entries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: i.Revoked})
		}
		return nil, nil
	})
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(now.UnixMilli()), ThisUpdate: now.Add(-clockSkew), NextUpdate: now.Add(crlLife),
		RevokedCertificateEntries: entries,
	}, c.root, c.key)
	if err != nil {
		return nil, fmt.Errorf("make the revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// WriteCRL writes the revocation list into the CA's directory.
func (c *CA) WriteCRL() error {
	text, err := c.CRL()
	if err != nil {
		return err
	}
	return WriteFile(filepath.Join(c.dir, crlFile), text, 0o644)
}

// List has all certificates that were ever given, in that order.
func (c *CA) List() ([]Issued, error) {
	var list []Issued
	err := c.book.do(func() ([]record, error) {
		for _, i := range c.book.issued {
			list = append(list, *i)
		}
		return nil, nil
	})
	return slices.Clip(list), err
}
