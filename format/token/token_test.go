package token

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
	"unicode"

	"logctl/store"
	"logctl/store/ejson"
)

func FuzzIsIP(f *testing.F) {
	for _, s := range []string{"", "1", "192.0.2.1", "192.0.2.01", "256.0.0.1", "1.2.3", "1.2.3.4.5", "0.0.0.0", "::", ":::", "::1", "1::",
		":1", "1:", "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8",
		"1::2::3", "::ffff:192.0.2.1", "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "12345::", "g::1", "fe80::1%eth0", "fe80::1%",
		"1.2.3.4%eth0", "[::1]", "1.2.3.4:80", "::ffff:1.2.3.4%a", "::1.2.3.4:5", "::%a b", "0:0:0:0:0:0:0::0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		addr, err := netip.ParseAddr(s)
		want := err == nil
		if want && addr.Zone() != "" && strings.ContainsFunc(addr.Zone(), func(r rune) bool {
			return r > unicode.MaxASCII || !IsAlnum(byte(r)) && r != '.' && r != '-' && r != '_'
		}) {
			return // we are stricter with zones
		}
		if len(s) > 100 {
			return
		}
		if got := IsIP([]byte(s)); got != want {
			t.Errorf("%q: %v, want %v", s, got, want)
		}
	})
}

func TestIsNetwork(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"192.0.2.0/24": true, "192.0.2.0/32": true, "192.0.2.0/33": false, "2001:db8::/32": true, "2001:db8::/128": true, "2001:db8::/129": false,
		"192.0.2.0": false, "192.0.2.0/": false, "192.0.2.0/024": false, "192.0.2/24": false, "/24": false, "x/24": false, "": false, "1.2.3.4/2/3": false,
	} {
		if IsNetwork([]byte(s)) != want {
			t.Errorf("%q: not %v", s, want)
		}
	}
}

func TestIsDate(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"2017-06-14": true, "2017/06/14": true, "2017-06/14": false, "2017-6-14": false, "2017-13-01": false, "2017-00-01": false, "2017-01-00": false,
		"2017-02-29": false, "2016-02-29": true, "1900-02-29": false, "2000-02-29": true, "2017-04-31": false,
		"14/Jun/2017": true, "14-jun-2017": true, "31/Jun/2017": false, "14/Jux/2017": false, "14/Jun/2017:17:16:12": true, "14/Jun/2017T17:16:12": false,
		"2017-06-14T17:16:12": true, "2017-06-14t17:16:12z": true, "2017-06-14T17:16:12.329Z": true, "2017-06-14T17:16:12,329+02:00": true,
		"2017-06-14T17:16:12+0200": true, "2017-06-14T17:16:12+02": false, "2017-06-14T24:00:00": false, "2017-06-14T17:16:60Z": true,
		"2017-06-14T17:16": false, "2017-06-14T": false, "2017-06-14x": false, "": false, "Nov 21": false, "2017-06-14T17:16:12.": false,
	} {
		if IsDate([]byte(s)) != want {
			t.Errorf("%q: not %v", s, want)
		}
	}
	for s, want := range map[string]int{"Nov 21": 6, "Nov  1 x": 6, "Nov 1 x": 5, "Nov 01": 6, "Nov 31": 0, "Feb 29 ": 6, "Nov 0": 0, "Nov 211": 0, "Nov  21": 0,
		"Nox 21": 0, "Nov": 0, "Nov ": 0, "Nov 1": 5, "NOV 1": 5} {
		if got := DatePrefix([]byte(s)); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"0": "0", "-0": "0", "+0": "0", "007": "7", "-007": "-7", "+12": "12", "12345678901234567890123": "12345678901234567890123",
		"1.50": "1.5", ".5": "0.5", "5.": "5.0", "-.5": "-0.5", "1e2": "100.0", "1E+2": "100.0", "1e21": "1e+21", "1.5e-7": "1.5e-7", "-1e-7": "-1e-7",
		"0.0": "0.0", "-0.0": "-0.0", "01.5": "1.5", "123456789.125": "123456789.125", "1e300": "1e+300", "1e100": "1e+100", "1e-10": "1e-10",
		"": "", "-": "", ".": "", "1.2.3": "", "e5": "", "1e": "", "1e+": "", "1e400": "", "nan": "", "inf": "", "0x1": "", "1_0": "", " 1": "",
	} {
		b := []byte(s)
		if IsFloat(b) != (want != "") {
			t.Errorf("%q: float %v", s, IsFloat(b))
		}
		if want == "" {
			continue
		}
		got := AppendFloat(nil, b)
		if string(got) != want {
			t.Errorf("%q: %s, want %s", s, got, want)
		}
		if stored, err := ejson.Compact(nil, got); err != nil || !bytes.Equal(stored, got) {
			t.Errorf("%q: stored form of %s is %s, %v", s, got, stored, err)
		}
	}
	longest := bytes.Repeat([]byte("1"), maxInt)
	if _, err := ejson.Compact(nil, longest); err != nil || !IsInt(longest) {
		t.Errorf("an integer that the stores take: %v", err)
	}
	longer := append(longest, '1')
	if _, err := ejson.Compact(nil, longer); err == nil || IsInt(longer) {
		t.Error("an integer that the stores do not take")
	}
}

func TestQuoted(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{`"a" b`: 3, `""`: 2, `'a"b'`: 5, `"a\"b"c`: 6, `"a`: 0, `"a\"`: 0, `"`: 0, ``: 0, `a""`: 0, `"\`: 0} {
		if got := Quoted([]byte(s)); got != want {
			t.Errorf("%s: %d, want %d", s, got, want)
		}
	}
}

func FuzzRuns(f *testing.F) {
	f.Add([]byte("a\x1b\x00bcdefghij\tk lmnopqrstuvwxyz"))
	f.Add([]byte("\xff\x80\x21\x20\x1f\x7f\v\f"))
	for _, s := range []string{"-0", "+007", "-.5e-7", "1e21", "5.", "-0.0", "14/Jun/2017:17:16:12.5+02:00", "2001:db8::/32", `"a\"b"`, "Feb 29"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for i := range b {
			want := i
			for want < len(b) && !strings.ContainsRune(" \t\n\v\f\r", rune(b[want])) {
				want++
			}
			if got := RunEnd(b, i); got != want {
				t.Fatalf("%q from %d: run ends at %d, want %d", b, i, got, want)
			}
		}
		if got, want := AppendJSON(nil, b), store.AppendJSONString(nil, b); !bytes.Equal(got, want) {
			t.Fatalf("%q: %s, want %s", b, got, want)
		}
		IsDate(b)
		IsNetwork(b)
		if IsInt(b) || IsFloat(b) {
			got := AppendFloat(nil, b)
			if stored, err := ejson.Compact(nil, got); err != nil || !bytes.Equal(stored, got) {
				t.Fatalf("%q: stored form of %s is %s, %v", b, got, stored, err)
			}
		}
		if n := DatePrefix(b); n > len(b) {
			t.Fatalf("date of %d bytes in %q", n, b)
		}
		if n := Quoted(b); n > len(b) || n == 1 {
			t.Fatalf("quoted string of %d bytes in %q", n, b)
		}
	})
}
