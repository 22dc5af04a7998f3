package cmd

import (
	"cmp"
	"slices"
	"strings"

	"logctl/format/geoip"
	"logctl/reports"
)

// groupings are what attackers may be grouped by, besides their address.
var groupings = []string{"network", "country", "asn"}

// byAddress is the choice not to group.
const byAddress = "ip"

// grouping is the one with that name; nil for byAddress.
func (o *attackersOptions) grouping(warn func(error)) (*reports.Grouping, error) {
	db, err := o.geoip.open(warn)
	switch {
	case err != nil:
		return nil, err
	case o.groupBy == byAddress:
		return nil, nil
	case o.groupBy == "network":
		return &reports.Grouping{Columns: []reports.Column{{Name: "network"}}, Key: func(ip string) []any {
			_, network, ok := geoip.Parse([]byte(ip))
			if !ok {
				return []any{ip}
			}
			return []any{network.String()}
		}}, nil
	case !slices.Contains(groupings, o.groupBy):
		return nil, usagef("attackers can't be grouped by %q: --group-by is %s or %s", o.groupBy, byAddress, strings.Join(groupings, ", "))
	case db == nil:
		return nil, hinted(usagef("which databases tell the %s of an address? --geoip names them", o.groupBy),
			"logctl report attackers --group-by "+o.groupBy+" --geoip GeoLite2-Country.mmdb,GeoLite2-ASN.mmdb")
	case o.groupBy == "country":
		return &reports.Grouping{Columns: []reports.Column{{Name: "country"}}, Key: func(ip string) []any {
			p := place(db, ip)
			return []any{named(p.Country, p)}
		}}, nil
	}
	return &reports.Grouping{Columns: []reports.Column{{Name: "asn", Number: true}, {Name: "organisation"}}, Key: func(ip string) []any {
		p := place(db, ip)
		if p.ASN == 0 {
			return []any{nil, named("", p)}
		}
		return []any{int64(p.ASN), p.Org}
	}}, nil
}

// place is what is known of an address, or of a network's first.
func place(db *geoip.DB, ip string) geoip.Place {
	a, _, ok := geoip.Parse([]byte(ip))
	if !ok {
		return geoip.Place{Kind: geoip.Malformed}
	}
	return db.Lookup(a)
}

// named is the name of a place or, where there is none, the kind of its addresses.
func named(name string, p geoip.Place) string {
	return cmp.Or(name, p.Kind, "unknown")
}
