package cmd

import (
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"logctl/format/geoip/mmdbtest"
)

// scriptMMDB makes the database FILE of the lines of RECORDS: a network, a country, a number and an organisation, each "-"
// where there is none.
func scriptMMDB(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: mmdb FILE RECORDS")
	}
	var records []mmdbtest.Record
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		words := append(strings.Fields(line), "-", "-", "-", "-")
		for i, w := range words {
			if w == "-" {
				words[i] = ""
			}
		}
		asn, _ := strconv.ParseUint(words[2], 10, 32) // none is 0
		records = append(records, mmdbtest.Record{Network: words[0], Country: words[1], ASN: uint32(asn), Org: words[3]})
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), mmdbtest.Build(records...), 0o600))
}
