package ca

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"time"

	"logctl/store"
)

// Why a certificate was issued.
const (
	byWord    = "secret word"
	byCode    = "code"
	byRenewal = "renewal"
	byAdmin   = "admin"
)

// Limits of what is live at one time.
const (
	maxLive       = 100_000 // certificates
	maxLiveOfName = 20      // of one name: renewals overlap, and no loop of them may fill the disk
	maxCodes      = 100_000
)

// Policy says whom the signer gives what.
type Policy struct {
	Word  func() (string, error) // the secret word; nil: only codes are good
	Allow []string               // patterns, as of path.Match, one of which each name must fit; none: any name
	Life  time.Duration          // 0: DefaultLife
}

func (p *Policy) life() time.Duration {
	if p.Life == 0 {
		return DefaultLife
	}
	return p.Life
}

// allows tells whether all names fit a pattern. Without patterns a certificate has its own name and no other.
func (p *Policy) allows(r *request) error {
	if len(p.Allow) == 0 && len(r.dns) > 0 {
		return store.NewError(store.KindForbidden, "This CA gives certificates of one name.")
	}
	for _, n := range append([]string{r.name}, r.dns...) {
		fits := func(pattern string) bool { ok, _ := path.Match(pattern, n); return ok }
		if len(p.Allow) > 0 && !slices.ContainsFunc(p.Allow, fits) {
			return store.NewError(store.KindForbidden, "The name "+n+" is none that this CA gives.")
		}
	}
	return nil
}

// errSecret says the same of every secret that is not good.
var errSecret = store.NewError(store.KindForbidden, "The challengePassword is not a secret that is good for this name.")

// Sign gives a certificate for a CSR whose challengePassword is good. wrong tells that it was not, and so a guess.
func (c *CA) Sign(p *Policy, text []byte, from string) (cert []byte, wrong bool, err error) {
	r, err := parseRequest(text)
	if err != nil {
		return nil, false, err
	}
	byTheWord, err := p.isWord(r.secret)
	if err != nil {
		return nil, false, err
	}
	now := time.Now().UTC()
	err = c.book.do(func() ([]record, error) {
		why := byWord
		if !byTheWord {
			k := c.book.codes[hashCode(r.secret)]
			switch {
			case r.secret == "" || k == nil || k.name != "" && k.name != r.name:
				wrong = true
				return nil, errSecret
			case k.used != nil && k.used.key == r.keyID && k.used.covers(r.name, r.dns) && k.used.Live(now):
				cert = pemCert(k.used.cert) // whoever asks again has not had the answer
				return nil, nil
			case k.used != nil || !now.Before(k.expires):
				wrong = true
				return nil, errSecret
			}
			why = byCode
		}
		if again := c.book.again(r, now); again != nil && why == byWord {
			cert = pemCert(again.cert)
			return nil, nil
		}
		if err := p.allows(r); err != nil {
			return nil, err
		}
		if c.book.holder(r, now) != nil {
			return nil, &store.Error{Kind: store.KindConflict, Reason: "Another key holds the name " + r.name + ", or one of the others.",
				Hint: "on the CA: logctl ca revoke NAME, if that machine is no more"}
		}
		rec, err := c.issue(r, p.life(), false, now)
		if err != nil {
			return nil, err
		}
		rec.By, rec.From = why, from
		if why == byCode {
			rec.Code = hashCode(r.secret)
		}
		cert = pemCert(rec.Cert)
		return []record{rec}, nil
	})
	if err != nil {
		return nil, wrong, err
	}
	return cert, false, nil
}

// isWord compares in a time that tells nothing.
func (p *Policy) isWord(secret string) (bool, error) {
	if p.Word == nil || secret == "" {
		return false, nil
	}
	word, err := p.Word()
	if err != nil {
		return false, err
	}
	a, b := sha256.Sum256([]byte(word)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && word != "", nil
}

// again is a certificate that answers the request already and has most of its life before it.
func (f *facts) again(r *request, now time.Time) *Issued {
	for _, c := range f.liveOf(r.name, now) {
		if !c.Server && c.key == r.keyID && c.covers(r.name, r.dns) && now.Before(c.Expires.Add(-c.Expires.Sub(c.Issued)/2)) {
			return c
		}
	}
	return nil
}

// Renew gives a new certificate for the name of an old one, whose owner has shown that he has its key.
func (c *CA) Renew(p *Policy, old *x509.Certificate, text []byte, from string) (cert []byte, err error) {
	r, err := parseRequest(text)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	err = c.book.do(func() ([]record, error) {
		was := c.book.bySerial[serialText(old)]
		switch {
		case was == nil || subtle.ConstantTimeCompare(was.cert, old.Raw) != 1 || was.Server:
			return nil, store.NewError(store.KindForbidden, "The certificate is none that this CA has given to a client.")
		case !was.Live(now):
			return nil, &store.Error{Kind: store.KindForbidden, Reason: "The certificate is " + was.State(now) + ".",
				Hint: "join anew with a code: logctl join URL --code-file FILE"}
		case was.Name != r.name || slices.ContainsFunc(r.dns, func(n string) bool { return !slices.Contains(was.DNS, n) }):
			return nil, store.NewError(store.KindForbidden, "The CSR has other names than the certificate.")
		}
		if err := p.allows(r); err != nil {
			return nil, err
		}
		rec, err := c.issue(r, p.life(), false, now)
		if err != nil {
			return nil, err
		}
		rec.By, rec.From, rec.Old = byRenewal, from, was.Serial
		cert = pemCert(rec.Cert)
		return []record{rec}, nil
	})
	if err != nil {
		return nil, err
	}
	return cert, nil
}

// issue makes a certificate; the caller holds the log's lock and writes the record.
func (c *CA) issue(r *request, life time.Duration, server bool, now time.Time) (record, error) {
	live := 0
	for _, i := range c.book.issued {
		if i.Live(now) {
			live++
		}
	}
	if live >= maxLive || len(c.book.liveOf(r.name, now)) >= maxLiveOfName {
		return record{}, store.NewError(store.KindTooManyRequests, "There are too many certificates for that name already.")
	}
	serial, err := newSerial()
	if err != nil {
		return record{}, err
	}
	until := now.Add(life).Truncate(time.Second)
	if until.After(c.root.NotAfter) {
		until = c.root.NotAfter
	}
	usage := x509.ExtKeyUsageClientAuth
	if server {
		usage = x509.ExtKeyUsageServerAuth
	}
	names, addresses := splitHosts(append([]string{r.name}, r.dns...))
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: r.name},
		NotBefore: now.Add(-clockSkew), NotAfter: until,
		DNSNames: names, IPAddresses: addresses,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, c.root, r.key, c.key)
	if err != nil {
		return record{}, fmt.Errorf("sign: %w", err)
	}
	return record{Time: now, What: whatIssue, Serial: fmt.Sprintf("%x", serial), Name: r.name, DNS: r.dns, Server: server,
		NotAfter: until, Key: r.keyID, Cert: der}, nil
}

func serialText(cert *x509.Certificate) string { return fmt.Sprintf("%x", cert.SerialNumber) }

// NewCode makes a code that is good once, for name or, if that is "", for any, until it expires.
func (c *CA) NewCode(name string, life time.Duration) (string, error) {
	if name != "" {
		if err := CheckName(name); err != nil {
			return "", err
		}
	}
	text, now := rand.Text(), time.Now().UTC()
	err := c.book.do(func() ([]record, error) {
		if len(c.book.codes) >= maxCodes {
			return nil, store.NewError(store.KindTooManyRequests, "there are too many codes")
		}
		return []record{{Time: now, What: whatCode, Code: hashCode(text), Name: name, Expires: now.Add(life)}}, nil
	})
	if err != nil {
		return "", err
	}
	return text, nil
}

// hashCode is how a code is kept. It has 128 random bits, so a plain hash tells nothing of it.
func hashCode(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
