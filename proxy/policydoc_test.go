package proxy

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// policyTable is the policy as docs/security.md shows it.
func policyTable() string {
	kinds := []struct {
		who  who
		name string
	}{
		{anonymous, "stranger"}, {holder, "token or certificate"}, {writer, "token or certificate to write"},
		{reading, "token or certificate to read"}, {account, "account"}, {reader, "reader"}, {analyst, "analyst"}, {admin, "admin"},
	}
	queries := map[queryRule]string{noQuery: "none", anyQuery: "any", docQuery: "of docs", viewQuery: "of views", feedQuery: "of changes"}
	bodies := map[bodyRule]string{noBody: "none", loginBody: "login", docsBody: "docs", askBody: "JSON", anyBody: "any"}
	var b strings.Builder
	b.WriteString("| who | method | path | query | body |\n|---|---|---|---|---|\n")
	for i := range policy {
		r := &policy[i]
		var names []string
		for _, k := range kinds {
			if r.who&k.who != 0 {
				names = append(names, k.name)
			}
		}
		query, ok := queries[r.query]
		if !ok {
			query = "`" + string(r.query) + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s |\n", strings.Join(names, ", "), strings.ReplaceAll(r.methods, "*", "any"), r.path, query, bodies[r.body])
	}
	return b.String()
}

// TestPolicyIsDocumented holds the table of docs/security.md against the policy.
func TestPolicyIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := policyTable(); !strings.Contains(string(text), want) {
		t.Errorf("docs/security.md lacks the table as it is:\n%s", want)
	}
}
