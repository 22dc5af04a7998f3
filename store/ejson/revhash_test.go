package ejson

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"logctl/store"
)

// TestRevHashAttachments has edits that CouchDB 3.5.0 made of a doc without a body.
func TestRevHashAttachments(t *testing.T) {
	t.Parallel()
	att := func(name, kind, data string) store.Attachment {
		return store.Attachment{Name: name, Type: kind, MD5: md5.Sum([]byte(data))}
	}
	var long strings.Builder
	for c := range byte(32) {
		long.WriteByte(c)
	}
	first := att("x.png", "image/png", long.String())
	second := att("x.png", "image/png", "zz")
	nested := att("d/e/f.png", "image/png", "nested")
	for _, c := range []struct {
		parent, want string
		atts         []store.Attachment // in the order in which CouchDB lists them: a new one comes first
	}{
		{"", "d63d029dbbe84271d9ce9584e304184c", []store.Attachment{first}},
		{"1-d63d029dbbe84271d9ce9584e304184c", "69951e305710a5af06d7cdbb6f6cbda8", []store.Attachment{second}},
		{"2-69951e305710a5af06d7cdbb6f6cbda8", "65d5f7dba09d0553303573a6fa94a32e", []store.Attachment{nested, second}},
		{"3-65d5f7dba09d0553303573a6fa94a32e", "579a66b5bf61fa7c1289f3ce1e0026f5", []store.Attachment{nested}},
	} {
		parent, _ := store.ParseRev(c.parent)
		if got := string(AppendRevHash(nil, false, parent, []byte("{}"), c.atts...)); got != c.want {
			t.Errorf("over %q: %s, want %s", c.parent, got, c.want)
		}
	}
}

// TestTerm holds the terms of values, written out from the documentation of the external term format.
func TestTerm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ value, want string }{
		{`null`, "64 0004 6e756c6c"},
		{`true`, "64 0004 74727565"},
		{`false`, "64 0005 66616c7365"},
		{`"aé"`, "6d 00000003 61c3a9"},
		{`"\n\u0000"`, "6d 00000002 0a00"},
		{`{}`, "68 01 6a"},
		{`{"a":1}`, "68 01 6c 00000001 68 02 6d 00000001 61 61 01 6a"},
		{`[]`, "6a"},
		{`[1,2,255]`, "6b 0003 0102ff"},
		{`[1,256]`, "6c 00000002 61 01 62 00000100 6a"},
		{`[1,-1]`, "6c 00000002 61 01 62 ffffffff 6a"},
		{`[1,1.0]`, "6c 00000002 61 01 46 3ff0000000000000 6a"},
		{`[[],[0]]`, "6c 00000002 6a 6b 0001 00 6a"},
		{`["a"]`, "6c 00000001 6d 00000001 61 6a"},
		{`0`, "61 00"}, {`255`, "61 ff"}, {`256`, "62 00000100"}, {`-1`, "62 ffffffff"},
		{`2147483647`, "62 7fffffff"}, {`-2147483648`, "62 80000000"},
		{`2147483648`, "6e 04 00 00000080"}, {`-2147483649`, "6e 04 01 01000080"},
		{`-10000000000`, "6e 05 01 00e40b5402"},
		{`9223372036854775807`, "6e 08 00 ffffffffffffff7f"}, {`-9223372036854775808`, "6e 08 01 0000000000000080"},
		{`18446744073709551616`, "6e 09 00 000000000000000001"},
		{`-0.0`, "46 8000000000000000"}, {`100.0`, "46 4059000000000000"}, {`1e+21`, "46 444b1ae4d6e2ef50"},
	} {
		w := termWriter{src: []byte(c.value)}
		w.value(0)
		if got, want := hex.EncodeToString(w.out), strings.ReplaceAll(c.want, " ", ""); got != want {
			t.Errorf("%s: %s, want %s", c.value, got, want)
		}
	}
}

func TestTermSizes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		value, head string
		length      int
	}{
		{"[" + strings.Repeat("7,", 65533) + "7]", "6bfffe", 3 + 65534},
		{"[" + strings.Repeat("7,", 65534) + "7]", "6c0000ffff6107", 5 + 2*65535 + 1},
		{"1" + strings.Repeat("0", 614), "6eff00", 3 + 255}, // below 256^255 = 1.6e614
		{"1" + strings.Repeat("0", 615), "6f0000010000", 6 + 256},
	} {
		w := termWriter{src: []byte(c.value)}
		w.value(0)
		if got := hex.EncodeToString(w.out[:len(c.head)/2]); got != c.head || len(w.out) != c.length {
			t.Errorf("%.20s…: %s…, %d bytes, want %s…, %d", c.value, got, len(w.out), c.head, c.length)
		}
	}
}

// TestWide has objects with many keys, repeated or not, which must not cost a look at all keys for each.
func TestWide(t *testing.T) {
	t.Parallel()
	const n = 200000
	var in, want strings.Builder
	for i := range n {
		fmt.Fprintf(&in, `,"k%d":%d`, i%(n/2), i)
	}
	for i := n / 2; i < n; i++ {
		fmt.Fprintf(&want, `,"k%d":%d`, i-n/2, i)
	}
	got, err := Compact(nil, []byte("{"+in.String()[1:]+"}"))
	if err != nil || string(got) != "{"+want.String()[1:]+"}" {
		t.Errorf("%.100s…, %v", got, err)
	}

	// Repeated keys at every level, around a large value: what they leave out must be cut once, not once a level.
	const depth, size = 5000, 1 << 20
	deep := strings.Repeat(`{"a":1,"a":`, depth) + `"` + strings.Repeat("x", size) + `"` + strings.Repeat("}", depth)
	if got, err = Compact(nil, []byte(deep)); err != nil || string(got) != strings.ReplaceAll(deep, `"a":1,`, "") {
		t.Errorf("%.100s…, %v", got, err)
	}
}
