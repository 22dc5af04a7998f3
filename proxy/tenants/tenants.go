// Package tenants tells what a client certificate lets its holder do. A table in TOML maps subjects and names of certificates to
// tenants and apps:
//
//	[[client]]
//	dns = "*.acme.example.com"    # a DNS name that the certificate has
//	tenant = "acme"               # all apps whose names begin with acme_
//	may = ["write"]
//
//	[[client]]
//	cn = "grafana"                # the subject's common name; also o, ou, email, uri
//	tenant = "acme"
//	apps = ["shop"]               # acme_shop alone
//	may = ["read"]
//
//	[[client]]
//	cn = "web1"
//	o = "Example"
//	apps = ["fail2ban", "auth"]   # apps of no tenant
//	may = ["read", "write"]
//
// All patterns of a client must fit, and the first client that fits counts. In a pattern * stands for any characters but
// dots, slashes and @. An app that a tenant owns takes nothing from strangers.
//
// The table, the CAs and the revocation list are files that are read again when they change. What can't be read then is logged, and
// what was read before stays in force.
package tenants

import (
	"cmp"
	"crypto/x509"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"logctl/store"
)

// Options name the files, in PEM but for the table. CRL may be "": then nothing is revoked.
type Options struct {
	CA, CRL, Table string
	Log            *slog.Logger // nil: nothing is logged
}

// Clients know client certificates. They are safe for concurrent use.
type Clients struct {
	cas   *file[[]*x509.Certificate]
	crl   *file[revocations]
	table *file[*table]
	log   *slog.Logger
	told  atomic.Int64 // when it was logged last that the revocation list is out of date, Unix time
}

// Open reads the files.
func Open(o Options) (*Clients, error) {
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	c := &Clients{log: log,
		cas:   &file[[]*x509.Certificate]{path: o.CA, parse: parseCAs, log: log},
		table: &file[*table]{path: o.Table, parse: parseTable, log: log},
	}
	if err := c.cas.read(); err != nil {
		return nil, err
	}
	if err := c.table.read(); err != nil {
		return nil, err
	}
	if o.CRL != "" {
		c.crl = &file[revocations]{path: o.CRL, parse: c.parseCRL, log: log}
		if err := c.crl.read(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// OnChange has fn hear which file has been read again: "clients", "client CAs" or "revoked clients". It is called before anybody asks.
func (c *Clients) OnChange(fn func(what string)) {
	c.table.told = func() { fn("clients") }
	c.cas.told = func() { fn("client CAs") }
	if c.crl != nil {
		c.crl.told = func() { fn("revoked clients") }
	}
}

// Pool are the CAs whose certificates count, as of now.
func (c *Clients) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, ca := range c.cas.get() {
		pool.AddCert(ca)
	}
	return pool
}

// Separator stands between the names of a tenant and of its app: app acme_shop is tenant acme's.
const Separator = "_"

// Grant is what a certificate lets its holder do.
type Grant struct {
	Name        string   // of the certificate's subject
	Apps        []string // by their whole names
	Tenant      string   // whose apps are all meant, "" for none
	Read, Write bool
}

// The refusals of a certificate that was good once.
var (
	errRevoked = store.NewError(store.KindForbidden, "The client certificate has been revoked.")
	errExpired = store.NewError(store.KindForbidden, "The client certificate has expired.")
	errNoCA    = store.NewError(store.KindForbidden, "The client certificate's CA is not trusted any more.")
)

// errOutdated is no fault of the certificate's: nobody knows any more whether it is revoked. It is worth to try again.
var errOutdated = store.NewError(store.KindUnavailable, "The list of revoked certificates is out of date.")

// tellOutdated logs, at most once a minute, that certificates are refused.
func (c *Clients) tellOutdated(until, now time.Time) {
	if last := c.told.Load(); now.Unix()-last >= 60 && c.told.CompareAndSwap(last, now.Unix()) {
		c.log.Error("client certificates are refused: the revocation list is out of date", "file", c.crl.path, "since", until,
			"hint", "logctl ca serve writes it anew once a day; copy it from there")
	}
}

// Find is what the first certificate of a chain, which has been verified when the connection was made, lets its holder do; false
// if the table does not know it. The error is for one that is not good any more: connections may outlast certificates.
func (c *Clients) Find(chain []*x509.Certificate, now time.Time) (Grant, bool, error) {
	leaf := chain[0]
	if slices.ContainsFunc(chain, func(c *x509.Certificate) bool { return now.After(c.NotAfter) }) {
		return Grant{}, false, errExpired
	}
	if !slices.ContainsFunc(c.cas.get(), chain[len(chain)-1].Equal) {
		return Grant{}, false, errNoCA
	}
	if c.crl != nil {
		list := c.crl.get()
		for _, cert := range chain {
			if list.serials[serialOf(cert.RawIssuer, cert.SerialNumber)] {
				return Grant{}, false, errRevoked
			}
			if until, ok := list.until[string(cert.RawIssuer)]; ok && now.After(until) {
				c.tellOutdated(until, now)
				return Grant{}, false, errOutdated
			}
		}
	}
	g, ok := c.table.get().find(leaf)
	return g, ok, nil
}

// Owned tells whether a tenant owns an app.
func (c *Clients) Owned(app string) bool {
	tenant, _, ok := strings.Cut(app, Separator)
	return ok && c.table.get().tenants[tenant]
}
