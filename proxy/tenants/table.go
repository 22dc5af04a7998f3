package tenants

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"logctl/store"
)

// table is the file of clients, checked.
type table struct {
	clients []client
	tenants map[string]bool
}

// client is one entry: patterns, "" for none, and what they are for.
type client struct {
	CN     string
	O      string
	OU     string
	DNS    string
	Email  string
	URI    string
	Tenant string
	Apps   []string
	May    []string
}

// tenantName has no underscore, so that the first one in an app's name ends the tenant's.
var tenantName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// parseTable reads the file.
func parseTable(text []byte) (*table, error) {
	var in struct{ Client []client }
	meta, err := toml.NewDecoder(bytes.NewReader(text)).Decode(&in)
	if err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("line %d: %s", at.Position.Line, at.Message)
		}
		return nil, err
	}
	if extra := meta.Undecoded(); len(extra) > 0 {
		return nil, fmt.Errorf("there is no setting %s", extra[0])
	}
	t := &table{clients: in.Client, tenants: map[string]bool{}}
	for i := range t.clients {
		c := &t.clients[i]
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("client %d: %w", i+1, err)
		}
		if c.Tenant != "" {
			t.tenants[c.Tenant] = true
		}
	}
	return t, nil
}

// check tells what is wrong with an entry, and completes its apps' names.
func (c *client) check() error {
	switch {
	case c.CN+c.O+c.OU+c.DNS+c.Email+c.URI == "":
		return errors.New("it fits every certificate: give it cn, o, ou, dns, email or uri")
	case c.Tenant != "" && !tenantName.MatchString(c.Tenant):
		return fmt.Errorf("the tenant's name %q must have lower case letters, digits and - alone", c.Tenant)
	case c.Tenant == "" && len(c.Apps) == 0:
		return errors.New("it is for nothing: give it a tenant or apps")
	case len(c.May) == 0:
		return errors.New(`it may do nothing: give it may = ["write"], ["read"] or both`)
	}
	for _, what := range c.May {
		if what != "read" && what != "write" {
			return fmt.Errorf("may has %q, which is neither read nor write", what)
		}
	}
	for i, app := range c.Apps {
		if c.Tenant != "" {
			if app == "rejects" {
				return errors.New("a tenant's app can't be called rejects: its database would be that of another app's rejects")
			}
			app = c.Tenant + Separator + app
		}
		if _, err := store.AppDB(app); err != nil {
			return fmt.Errorf("app %q: %w", app, err)
		}
		c.Apps[i] = app
	}
	return nil
}

// find is the grant of the first entry that fits.
func (t *table) find(cert *x509.Certificate) (Grant, bool) {
	for i := range t.clients {
		c := &t.clients[i]
		if !c.fits(cert) {
			continue
		}
		g := Grant{Name: cert.Subject.CommonName, Apps: c.Apps, Read: slices.Contains(c.May, "read"), Write: slices.Contains(c.May, "write")}
		if len(c.Apps) == 0 {
			g.Tenant = c.Tenant
		}
		return g, true
	}
	return Grant{}, false
}

func (c *client) fits(cert *x509.Certificate) bool {
	uris := make([]string, 0, len(cert.URIs))
	for _, u := range cert.URIs {
		uris = append(uris, u.String())
	}
	return one(c.CN, cert.Subject.CommonName) && one(c.O, cert.Subject.Organization...) && one(c.OU, cert.Subject.OrganizationalUnit...) &&
		one(strings.ToLower(c.DNS), lower(cert.DNSNames)...) && one(c.Email, cert.EmailAddresses...) && one(c.URI, uris...)
}

func lower(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

// one tells whether a pattern fits one of the values; none fits all.
func one(pattern string, values ...string) bool {
	return pattern == "" || slices.ContainsFunc(values, func(v string) bool { return glob(pattern, v) })
}

// glob tells whether a pattern fits the whole of s.
func glob(pattern, s string) bool {
	head, rest, star := strings.Cut(pattern, "*")
	s, ok := strings.CutPrefix(s, head)
	if !ok || !star {
		return ok && s == ""
	}
	for {
		if glob(rest, s) {
			return true
		}
		if s == "" || strings.IndexByte("./@", s[0]) >= 0 {
			return false
		}
		s = s[1:]
	}
}
