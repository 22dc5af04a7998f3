package reports

import (
	"fmt"
	"strings"
	"testing"
)

func (s *seen) describe() string {
	by := ""
	if s.by != nil {
		by = s.by.process + " " + s.by.machine
	}
	return fmt.Sprintf("%s|%s|%s", s.ip, by, s.period)
}

// TestAttackKeys reads keys after each other that share what is before the ip, after it, or neither.
func TestAttackKeys(t *testing.T) {
	t.Parallel()
	var keys attackKeys
	for _, tt := range []struct{ key, want string }{
		{`["day",2026,11,1,"a","sshd","m"]`, `"a"|"sshd" "m"|`},
		{`["day",2026,11,1,"a","sshd","n"]`, `"a"|"sshd" "n"|`},
		{`["day",2026,11,1,"b","sshd","m"]`, `"b"|"sshd" "m"|`},
		{`["day",2026,11,1,"c"]`, `"c"||["day",2026,11,1,`},
		{`["day",2026,11,1,"\"","sshd","m"]`, `"\""|"sshd" "m"|`},
		{`["day",2026,11,1,"\\","sshd","m"]`, `"\\"|"sshd" "m"|`},
		{`["day",2026,11,1,7,"sshd","m"]`, `7|"sshd" "m"|`},
		{`["day",2026,11,1,["a","b"],null,"m"]`, `["a","b"]|null "m"|`},
		{`["day",2026,11,12,"a","sshd","m"]`, `"a"|"sshd" "m"|`},
		{`["month",2026,11,"a"]`, `"a"||["month",2026,11,`},
		{`["month",2026,11,"a","sshd","m"]`, `"a"|"sshd" "m"|`},
		{` [ "year" , 2026 , "b" , "sshd" , "m" ] `, ``},
		{`["year", 2026, "b", "sshd", "m" ]`, `"b"|"sshd" "m"|`},
		{`["year",2026,"b"]`, `"b"||["year",2026,`},
		{`["year",2026,"b",]`, ``},
		{`["year",2026,"b","sshd"]`, ``},
		{`["year",2026,"b","sshd","m",1]`, ``},
		{`["year",2026]`, ``},
		{`["year",2026,"b`, ``},
		{`["year",2026,"`, ``},
		{`["year",2026,`, ``},
	} {
		var s seen
		got := ""
		if keys.read([]byte(tt.key), &s) {
			got = s.describe()
		}
		if got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.key, got, tt.want)
		}
	}
	if len(keys.pairs) != 3 {
		t.Errorf("%d pairs of processes and machines, want 3", len(keys.pairs))
	}
}

// What keys came before makes no difference.
func FuzzAttackKeys(f *testing.F) {
	f.Add(`["day",2026,11,1,"a","sshd","m"]`, `["day",2026,11,1,"b","sshd","m"]`, `["day",2026,11,1,"b\"","sshd","m"]`)
	f.Add(`["month",2026,11,"a"]`, `["month",2026,11,"b"]`, `["year",2026,null,null,{"a":[1]}]`)
	f.Add(`["year",2026,"a"]`, `["year",2026,"a","b","c"]`, `["year",2026,"a","b","c","d"]`)
	f.Fuzz(func(t *testing.T, a, b, c string) {
		var keys attackKeys
		for _, key := range []string{a, b, c, a, c, b} {
			var s, alone seen
			ok, okAlone := keys.read([]byte(key), &s), new(attackKeys).read([]byte(key), &alone)
			if ok != okAlone || ok && s.describe() != alone.describe() {
				t.Errorf("%q after %q: %t %s, alone %t %s", key, []string{a, b, c}, ok, s.describe(), okAlone, alone.describe())
			}
		}
	})
}

// TestStatistics reads objects of _stats as CouchDB writes them, and of any other order and form of numbers.
func TestStatistics(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		object             string
		count, least, most float64
		ok                 bool
	}{
		{`{"sum":15,"count":2,"min":5,"max":10,"sumsqr":125}`, 2, 5, 10, true},
		{`{"sum":7,"count":1,"min":7,"max":7,"sumsqr":49}`, 1, 7, 7, true},
		{`{"sum":3524000000001,"count":2,"min":1762000000000,"max":1762000000001,"sumsqr":6.2e24}`, 2, 1762000000000, 1762000000001, true},
		{`{"sum":1.5e1,"count":2,"min":5.0,"max":1e1,"sumsqr":125}`, 2, 5, 10, true},
		{`{"sum":-15,"count":2,"min":-10,"max":-5,"sumsqr":125}`, 2, -10, -5, true},
		{`{"max":10,"min":5,"count":2,"sum":15}`, 2, 5, 10, true},
		{`{ "sum": 15, "count": 2, "min": 5, "max": 10 }`, 2, 5, 10, true},
		{`{"sum":1,"count":11,"min":1234567890123456789,"max":1234567890123456789}`, 11, 1234567890123456789, 1234567890123456789, true},
		{`{"sum":15,"count":2,"min":5}`, 2, 5, 0, false},
		{`{"sum":15,"count":,"min":5,"max":10}`, 0, 0, 0, false},
		{`15`, 0, 0, 0, false},
	} {
		count, least, most, ok := statistics([]byte(tt.object))
		if ok != tt.ok || ok && (count != tt.count || least != tt.least || most != tt.most) {
			t.Errorf("%s: %v, %v to %v, %t", tt.object, count, least, most, ok)
		}
	}
}

// A row of all processes where one of each was asked for is none of the report's.
func TestRowsOfTheWrongLevel(t *testing.T) {
	t.Parallel()
	row := strange{key: `["year",2025,"ip"]`}
	for _, q := range []AttackersQuery{{}, {Process: "sshd"}, {Machine: "m", Limit: 3}} {
		if _, _, err := Attackers(t.Context(), row, "log_x", q); err == nil || !strings.Contains(err.Error(), "not this report's") {
			t.Errorf("%+v: %v", q, err)
		}
	}
	if _, err := Attacks(t.Context(), row, "log_x", Window{}, ByProcess); err == nil || !strings.Contains(err.Error(), "not this report's") {
		t.Errorf("by process: %v", err)
	}
}
