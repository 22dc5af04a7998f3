package geoip

import (
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Where databases have what we read, the best first: those of MaxMind and DB-IP, then the flat ones of others. A country is where
// the address is used or, where that is not known, where it is registered.
var (
	countryPaths = [][]any{{"country", "iso_code"}, {"registered_country", "iso_code"}, {"country_code"}}
	orgPaths     = [][]any{{"autonomous_system_organization"}, {"as_name"}}
)

// readPlace reads a record. What is missing, damaged or of another type is not known.
func readPlace(r maxminddb.Result) Place {
	if !r.Found() {
		return Place{}
	}
	p := Place{Country: firstText(r, countryPaths), ASN: readASN(r)}
	if p.ASN != 0 {
		p.Org = firstText(r, orgPaths)
	}
	return p
}

// firstText is the first string that there is at one of the paths.
func firstText(r maxminddb.Result, paths [][]any) string {
	for _, path := range paths {
		var text string
		if r.DecodePath(&text, path...) == nil && text != "" {
			return text
		}
	}
	return ""
}

// readASN reads a number, or a text such as AS15169.
func readASN(r maxminddb.Result) uint32 {
	var n uint32
	if r.DecodePath(&n, "autonomous_system_number") == nil && n != 0 {
		return n
	}
	var text string
	if r.DecodePath(&text, "asn") != nil {
		return 0
	}
	number, err := strconv.ParseUint(strings.TrimPrefix(text, "AS"), 10, 32)
	if err != nil {
		return 0
	}
	return uint32(number)
}
