package password

import "testing"

func TestRules(t *testing.T) {
	t.Parallel()
	const setting = ` [{".{10,}"}, {"[A-Z]+", "Requirement 2."}, {"[a-z]+", ""}, {"\\d+", "Req \"4\"."}, "[!.,()}{]+"] `
	for password, want := range map[string]string{
		"short": "broken: ", "longenough": "broken: Requirement 2.", "LONGENOUGH": "broken: ", "Longenough": `broken: Req "4".`,
		"Longenough1": "broken: ", "Longenough1}": "",
	} {
		rules, err := ParseRules(setting)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if reason, ok := rules.Broken(password); !ok {
			got = "broken: " + reason
		}
		if got != want {
			t.Errorf("%s: %q, want %q", password, got, want)
		}
	}
	for _, none := range []string{"", "[]", " [ ] "} {
		if rules, err := ParseRules(none); err != nil || len(rules) > 0 {
			t.Errorf("%q: %v, %v", none, rules, err)
		}
	}
	for _, bad := range []string{`{{".{10,}"}}`, `[{".{10,}"]`, `[{}]`, `[{"a","b","c"}]`, `[1]`, `["("]`, `["a"`, `x`, `["\d"]`, `["a"] x`, `[{"a",1}]`} {
		if rules, err := ParseRules(bad); err == nil {
			t.Errorf("%s: %v", bad, rules)
		}
	}
}

func FuzzParseRules(f *testing.F) {
	for _, s := range []string{`[{".{10,}", "Ten."}, "[0-9]"]`, `[]`, `["\\"]`, `[{"`, `["a\"}"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if rules, err := ParseRules(s); err == nil {
			rules.Broken("password")
		}
	})
}
