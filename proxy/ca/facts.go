package ca

import (
	"slices"
	"time"
)

// Issued is a certificate that the CA has given.
type Issued struct {
	Serial  string
	Name    string
	DNS     []string // names besides
	Server  bool     // for a server, not for a client
	Issued  time.Time
	Expires time.Time
	Revoked time.Time // zero if it is not
	By      string    // why it was issued
	From    string    // the address that asked, "" for this machine

	key  string // request.keyID
	old  string // serial of the one that it renews
	cert []byte // DER
}

// Live tells whether the certificate is good at a time.
func (c *Issued) Live(now time.Time) bool { return c.Revoked.IsZero() && now.Before(c.Expires) }

// State is one word for what has become of it.
func (c *Issued) State(now time.Time) string {
	switch {
	case !c.Revoked.IsZero():
		return "revoked"
	case !now.Before(c.Expires):
		return "expired"
	}
	return "live"
}

// covers tells whether the certificate's names are those.
func (c *Issued) covers(name string, dns []string) bool {
	return c.Name == name && slices.Equal(c.DNS, dns)
}

// code is what is known of a one-time code.
type code struct {
	name    string // whom it is for, "" is anybody
	expires time.Time
	used    *Issued
}

// facts is what the log says.
type facts struct {
	issued   []*Issued // in the order of the log
	bySerial map[string]*Issued
	byName   map[string][]*Issued // that hold or held the name
	codes    map[string]*code     // by the hash
}

func newFacts() facts {
	return facts{bySerial: map[string]*Issued{}, byName: map[string][]*Issued{}, codes: map[string]*code{}}
}

// apply takes in one record.
func (f *facts) apply(r record) {
	switch r.What {
	case whatIssue:
		c := &Issued{Serial: r.Serial, Name: r.Name, DNS: r.DNS, Server: r.Server, Issued: r.Time, Expires: r.NotAfter,
			By: r.By, From: r.From, key: r.Key, old: r.Old, cert: r.Cert}
		f.issued = append(f.issued, c)
		f.bySerial[c.Serial] = c
		for _, n := range append([]string{c.Name}, c.DNS...) {
			f.byName[n] = append(f.byName[n], c)
		}
		if k := f.codes[r.Code]; r.Code != "" && k != nil {
			k.used = c
		}
	case whatCode:
		f.codes[r.Code] = &code{name: r.Name, expires: r.Expires}
	case whatRevoke:
		if c := f.bySerial[r.Serial]; c != nil && c.Revoked.IsZero() {
			c.Revoked = r.Time
		}
	}
}

// holder is a live client's certificate of another key that has one of the names; nil if there is none. A server's is no
// hindrance: the machine that it is on may ship logs, too, and neither can be used as the other.
func (f *facts) holder(r *request, now time.Time) *Issued {
	for _, n := range append([]string{r.name}, r.dns...) {
		for _, c := range f.byName[n] {
			if c.Live(now) && !c.Server && c.key != r.keyID {
				return c
			}
		}
	}
	return nil
}

// family are a certificate and all that come from it or that it comes from by renewal, or are for the same key: whoever has one can
// get another.
func (f *facts) family(c *Issued) []*Issued {
	list := []*Issued{c}
	for i := 0; i < len(list); i++ {
		for _, o := range f.byName[c.Name] {
			kin := o.old == list[i].Serial || list[i].old == o.Serial || o.key == list[i].key && o.Server == c.Server
			if kin && !slices.Contains(list, o) {
				list = append(list, o)
			}
		}
	}
	return list
}

// liveOf are the live certificates whose own name it is, the newest last.
func (f *facts) liveOf(name string, now time.Time) []*Issued {
	var live []*Issued
	for _, c := range f.byName[name] {
		if c.Name == name && c.Live(now) {
			live = append(live, c)
		}
	}
	return live
}
