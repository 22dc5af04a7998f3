package geoip

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"logctl/format/geoip/mmdbtest"
)

func TestKind(t *testing.T) {
	t.Parallel()
	for kind, addresses := range map[string]string{
		"":            "8.8.8.8 1.0.0.1 100.63.255.255 100.128.0.0 172.32.0.1 192.0.0.9 192.0.1.1 192.31.196.1 223.255.255.255 2a00::1 2001:4860:4860::8888 2001:0:1::1 2002:c000:201::1 64:ff9b::808:808 ::ffff:8.8.8.8",
		Private:       "10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.0 fc00::1 fdff::1 ::ffff:10.0.0.1 64:ff9b:1::1",
		CGNAT:         "100.64.0.0 100.127.255.255",
		Loopback:      "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1",
		LinkLocal:     "169.254.169.254 fe80::1 fe80::1%eth0",
		Documentation: "192.0.2.1 198.51.100.1 203.0.113.255 2001:db8::1 3fff::1 3fff:fff::1",
		Benchmarking:  "198.18.0.1 198.19.255.255 2001:2::1",
		Multicast:     "224.0.0.1 239.255.255.255 ff02::1",
		Broadcast:     "255.255.255.255",
		Unspecified:   "0.0.0.0 0.1.2.3 ::",
		Reserved:      "240.0.0.1 255.255.255.254 192.0.0.1 192.88.99.1 100::1 5f00::1 fec0::1 2001:10::1 4000::1 ::2",
	} {
		for a := range strings.FieldsSeq(addresses) {
			if got := Kind(netip.MustParseAddr(a)); got != kind {
				t.Errorf("Kind(%s) = %q, want %q", a, got, kind)
			}
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"192.0.2.7":              "192.0.2.7 192.0.2.0/24",
		"2001:DB8:1:2::7":        "2001:db8:1:2::7 2001:db8:1::/48",
		"::ffff:192.0.2.7":       "192.0.2.7 192.0.2.0/24",
		"fe80::1%eth0":           "fe80::1 fe80::/48",
		"192.0.2.128/25":         "192.0.2.128 192.0.2.0/24",
		"192.0.9.9/16":           "192.0.0.0 192.0.0.0/16",
		"2001:db8::/32":          "2001:db8:: 2001:db8::/32",
		"::ffff:192.0.0.0/112":   "",
		"0.0.0.0/0":              "0.0.0.0 0.0.0.0/0",
		"":                       "",
		"1.2.3":                  "",
		"1.2.3.256":              "",
		"01.2.3.4":               "",
		"a name":                 "",
		"192.0.2.7 ":             "",
		"192.0.2.7/33":           "",
		"192.0.2.7:80":           "",
		strings.Repeat("1", 100): "",
	} {
		a, network, ok := Parse([]byte(in))
		got := ""
		if ok {
			got = a.String() + " " + network.String()
		}
		if got != want {
			t.Errorf("Parse(%q) = %q, want %q", in, got, want)
		}
	}
}

// write puts a database into a file.
func write(t *testing.T, path string, records ...mmdbtest.Record) {
	t.Helper()
	if err := os.WriteFile(path, mmdbtest.Build(records...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// both opens a database of countries and one of systems.
func both(t testing.TB) *DB {
	t.Helper()
	dir := t.TempDir()
	countries, systems := filepath.Join(dir, "country.mmdb"), filepath.Join(dir, "asn.mmdb")
	for path, data := range map[string][]byte{
		countries: mmdbtest.Build(
			mmdbtest.Record{Network: "8.0.0.0/8", Country: "US"},
			mmdbtest.Record{Network: "8.8.0.0/16", Registered: "DE"},
			mmdbtest.Record{Network: "2a00::/16", Country: "NL", Registered: "DE"}),
		systems: mmdbtest.Build(
			mmdbtest.Record{Network: "8.8.8.0/24", ASN: 15169, Org: `Goo"gle`},
			mmdbtest.Record{Network: "10.0.0.0/8", ASN: 1, Org: "nobody"},
			mmdbtest.Record{Network: "2a00:1::/32", ASN: 4294967295},
			mmdbtest.Record{Network: "45.0.0.0/8", Country: "SE", ASN: 7, Org: "flat", Flat: true},
			mmdbtest.Record{Network: "46.0.0.0/8", Flat: true}),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(func(err error) { t.Error(err) }, countries, systems)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// manyIPs are more members than are looked at beside one other, manyKinds what is added for those that are.
var manyIPs, manyKinds = func() (ips, kinds string) {
	for i := range 2 * maxAddresses {
		ips += fmt.Sprintf(`,"%d_ip":"x"`, i)
		if i < maxAddresses-1 {
			kinds += fmt.Sprintf(`,"%d_ip_kind":"malformed"`, i)
		}
	}
	return ips[1:], kinds
}()

func TestExtend(t *testing.T) {
	t.Parallel()
	db := both(t)
	for _, tt := range []struct{ doc, want string }{
		{`{"ip":"8.8.8.8","n":1}`, `{"ip":"8.8.8.8","n":1,"ip_country":"DE","ip_asn":15169,"ip_as_org":"Goo\"gle","ip_network":"8.8.8.0/24"}`},
		{`{"ip":"8.1.2.3"}`, `{"ip":"8.1.2.3","ip_country":"US","ip_network":"8.1.2.0/24"}`},
		{`{"ip":"::ffff:8.8.8.8"}`, `{"ip":"::ffff:8.8.8.8","ip_country":"DE","ip_asn":15169,"ip_as_org":"Goo\"gle","ip_network":"8.8.8.0/24"}`},
		{`{"a":"x","src":"2a00:1::5"}`, `{"a":"x","src":"2a00:1::5","src_country":"NL","src_asn":4294967295,"src_network":"2a00:1::/48"}`},
		{`{"ip":"8.0.0.0/9"}`, `{"ip":"8.0.0.0/9","ip_country":"US","ip_network":"8.0.0.0/9"}`},
		{`{"ip":"10.1.2.3"}`, `{"ip":"10.1.2.3","ip_kind":"private","ip_network":"10.1.2.0/24"}`},
		{`{"ip":"45.1.2.3"}`, `{"ip":"45.1.2.3","ip_country":"SE","ip_asn":7,"ip_as_org":"flat","ip_network":"45.1.2.0/24"}`},
		{`{"ip":"46.1.2.3"}`, `{"ip":"46.1.2.3","ip_network":"46.1.2.0/24"}`},
		{`{"ip":"9.9.9.9"}`, `{"ip":"9.9.9.9","ip_network":"9.9.9.0/24"}`},
		{`{"ip":"UNKNOWN","client_ip":"","name":"UNKNOWN"}`, `{"ip":"UNKNOWN","client_ip":"","name":"UNKNOWN","ip_kind":"malformed","client_ip_kind":"malformed"}`},
		{`{"ip":"8.1.2.3","to":"::1"}`, `{"ip":"8.1.2.3","to":"::1","ip_country":"US","ip_network":"8.1.2.0/24","to_kind":"loopback","to_network":"::/48"}`},
		{`{"ip":5,"x":{"ip":"8.8.8.8"},"y":["8.8.8.8"]}`, `{"ip":5,"x":{"ip":"8.8.8.8"},"y":["8.8.8.8"]}`},
		{`{"ip":"8.8.8.8","ip_country":"XX"}`, `{"ip":"8.8.8.8","ip_country":"XX"}`},
		{`{"ip":"9.9.9.9","x":"\"ip_country\":1"}`, `{"ip":"9.9.9.9","x":"\"ip_country\":1","ip_network":"9.9.9.0/24"}`},
		{`{"ip":"x",` + manyIPs + `}`, `{"ip":"x",` + manyIPs + `,"ip_kind":"malformed"` + manyKinds + `}`},
		{`{"a\"b":"8.8.8.8"}`, `{"a\"b":"8.8.8.8"}`},
		{`{}`, `{}`},
		{`no object`, `no object`},
	} {
		got := string(db.Extend([]byte("before"+tt.doc), len("before")))
		if got != "before"+tt.want {
			t.Errorf("Extend(%s)\n got %s\nwant before%s", tt.doc, got, tt.want)
		}
		if again := string(db.Extend([]byte(tt.want), 0)); again != tt.want {
			t.Errorf("extended again: %s\nwas %s", again, tt.want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := mmdbtest.Build(mmdbtest.Record{Network: "8.0.0.0/8", Country: "US"})
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"text":    {[]byte("no database"), "is no MaxMind database"},
		"empty":   {nil, "is no MaxMind database"},
		"cut":     {whole[:len(whole)-40], "is no MaxMind database"},
		"nothing": {mmdbtest.Build(mmdbtest.Record{Network: "8.0.0.0/8", Org: "x"}), "tells neither country"},
		"absent":  {nil, "no such file"},
	} {
		path := filepath.Join(dir, name)
		if name != "absent" {
			if err := os.WriteFile(path, tt.data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Open(nil, path); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestReload replaces a file, damages it, takes it away and brings it back.
func TestReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "x.mmdb")
		address := netip.MustParseAddr("8.8.8.8")
		write(t, path, mmdbtest.Record{Network: "8.0.0.0/8", Country: "US"})
		var warnings []error
		db, err := Open(func(err error) { warnings = append(warnings, err) }, path)
		if err != nil {
			t.Fatal(err)
		}
		expect := func(country string, warned int) {
			t.Helper()
			for range 3 {
				if got := db.recall([]byte("8.8.8.8")); got.Country != country || len(warnings) != warned {
					t.Fatalf("country %q, want %q; warnings %v, want %d", got.Country, country, warnings, warned)
				}
				time.Sleep(2 * lookEvery)
			}
		}
		expect("US", 0)
		write(t, path, mmdbtest.Record{Network: "8.0.0.0/8", Country: "DE", ASN: 7})
		if got := db.Lookup(address).Country; got != "DE" {
			t.Fatalf("after the file was written over: %q", got)
		}
		expect("DE", 0)
		if err := os.WriteFile(path, []byte("half a fi"), 0o600); err != nil {
			t.Fatal(err)
		}
		expect("DE", 1)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		expect("DE", 2)
		if !errors.Is(warnings[1], os.ErrNotExist) {
			t.Errorf("warned of %v", warnings[1])
		}
		write(t, path, mmdbtest.Record{Network: "8.0.0.0/8", Country: "FR"})
		expect("FR", 2)
		write(t, path+".new", mmdbtest.Record{Network: "8.0.0.0/8", Country: "IT"})
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
		expect("IT", 2)
	})
}

// TestRemembered looks up more addresses than are remembered.
func TestRemembered(t *testing.T) {
	t.Parallel()
	db := both(t)
	most := 0
	for i := range 5 * parts * remembered {
		db.recall(fmt.Appendf(nil, "8.%d.%d.%d", i>>16, i>>8&255, i&255))
		if got := db.recall([]byte("8.1.2.3")); got.Country != "US" {
			t.Fatalf("after %d addresses: %+v", i, got)
		}
		if i%1000 == 0 {
			most = max(most, kept(db.cache))
		}
	}
	if most > 2*parts*remembered || most < parts*remembered {
		t.Errorf("%d addresses remembered", most)
	}
	db.cache.forget()
	if n := kept(db.cache); n > 0 {
		t.Errorf("%d addresses remembered after all", n)
	}
}

// kept is how many addresses a cache remembers.
func kept(c *cache) (n int) {
	for i := range c.parts {
		n += len(c.parts[i].recent) + len(c.parts[i].earlier)
	}
	return n
}

// TestExtendAtOnce extends docs on several goroutines while the cache is emptied.
func TestExtendAtOnce(t *testing.T) {
	t.Parallel()
	db := both(t)
	var workers sync.WaitGroup
	for w := range 4 {
		workers.Go(func() {
			for i := range 2000 {
				doc := fmt.Sprintf(`{"ip":"8.8.%d.%d"}`, i&15, w)
				want := fmt.Sprintf(`{"ip":"8.8.%d.%d","ip_country":"DE","ip_network":"8.8.%d.0/24"}`, i&15, w, i&15)
				if i&15 == 8 {
					want = fmt.Sprintf(`{"ip":"8.8.8.%d","ip_country":"DE","ip_asn":15169,"ip_as_org":"Goo\"gle","ip_network":"8.8.8.0/24"}`, w)
				}
				if got := db.Extend([]byte(doc), 0); string(got) != want {
					t.Errorf("%s, want %s", got, want)
				}
				if i%100 == w {
					db.cache.forget()
				}
			}
		})
	}
	workers.Wait()
}

func BenchmarkExtend(b *testing.B) {
	db := both(b)
	doc := []byte(`{"date":"2017-06-14","hour":"17:16:12,329","process":"sshd","ip":"8.8.8.8","level":"NOTICE","event":"ban"}`)
	buf := make([]byte, 0, 4*len(doc))
	b.ReportAllocs()
	for b.Loop() {
		buf = db.Extend(append(buf[:0], doc...), 0)
	}
}

// BenchmarkFind is what an address costs that did not come lately.
func BenchmarkFind(b *testing.B) {
	db := both(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		db.find(netip.AddrFrom4([4]byte{8, 8, 8, byte(i)}))
	}
}

// FuzzParse holds an address against net/netip.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"192.0.2.7", "2001:db8::1%x", "::ffff:1.2.3.0/120", "1.2.3.4/8", "f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, network, ok := Parse([]byte(s))
		if want, err := netip.ParseAddr(s); err == nil && want.Zone() == "" && (!ok || a != want.Unmap().WithZone("")) {
			t.Errorf("Parse(%q) = %v, %v; it is an address", s, a, ok)
		}
		if ok && (!network.Contains(a) || Network(a).Bits() < network.Bits()) {
			t.Errorf("Parse(%q): %v is not in %v", s, a, network)
		}
		if ok {
			Kind(a)
		}
	})
}

// FuzzExtend checks that a doc stays the same JSON with members added.
func FuzzExtend(f *testing.F) {
	f.Add("ip", "8.8.8.8", `x"_country`)
	f.Add("ip_kind", "::1", "ip")
	f.Add("", "8.8.8.0", "0")
	f.Add("x_ip", "fe80::1%eth0", "x_ip_network")
	f.Add("_ip", "::ffff:8.8.8.8/120", "<_ip>")
	f.Add("ip", "8.8.8.8/0", "in")
	f.Add("\xff_ip", "\xff", "\ufffd_ip")
	db := both(f)
	f.Fuzz(func(t *testing.T, key, value, other string) {
		doc, err := json.Marshal(map[string]any{key: value, other: value, "in": map[string]string{key: value}})
		if err != nil {
			t.Skip(err)
		}
		var before, after map[string]any
		out := db.Extend(bytes.Clone(doc), 0)
		if json.Unmarshal(doc, &before) != nil || json.Unmarshal(out, &after) != nil {
			t.Fatalf("%s made of %s", out, doc)
		}
		for k, v := range before {
			if fmt.Sprint(after[k]) != fmt.Sprint(v) {
				t.Errorf("%s made of %s", out, doc)
			}
		}
		if again := db.Extend(append([]byte(nil), out...), 0); string(again) != string(out) {
			t.Errorf("%s made of %s", again, out)
		}
	})
}

// FuzzFile looks up in whatever passes for a database.
func FuzzFile(f *testing.F) {
	f.Add(mmdbtest.Build(mmdbtest.Record{Network: "8.0.0.0/8", Country: "US", ASN: 3, Org: "x"}))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "x.mmdb")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(nil, path)
		if err != nil {
			return
		}
		db.Extend([]byte(`{"ip":"8.8.8.8","six":"2a00::1"}`), 0)
	})
}
