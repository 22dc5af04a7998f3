package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func fitRows() []Attacker {
	var rows []Attacker
	for i := range 12 {
		rows = append(rows, Attacker{
			IP: fmt.Sprintf("198.51.100.%d", i+100), Count: int64(1000 * i),
			First: 1763108505000, Last: 1763701158000,
			Processes: []string{"nginx-http-auth", "postfix-sasl", "recidive", "sshd"}[:1+i%4],
			Machines:  []string{"mail.example.com", "www.example.com"}[:1+i%2],
		})
	}
	rows[3].IP = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
	return rows
}

// TestTableFits shows that a table is never wider than its terminal, and what a list then says.
func TestTableFits(t *testing.T) {
	t.Parallel()
	for _, width := range []int{72, 80, 100, 130, 160, 250} {
		var out bytes.Buffer
		if _, err := Write(&out, AttackersResult(fitRows()), Output{Terminal: true, Width: width}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(out.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > width {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
		whole := strings.Contains(out.String(), "nginx-http-auth, postfix-sasl, recidive, sshd")
		if short := strings.Contains(out.String(), " +"); whole == short {
			t.Errorf("width %d: a whole list %v, a shortened one %v\n%s", width, whole, short, out.String())
		}
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list  string
		width int
		want  string
	}{
		{"", 0, ""},
		{"one", 0, "one"},
		{"one two", 8, "one, two"},
		{"one two", 7, "one +1"},
		{"one two three", 11, "one, two +1"},
		{"one two three", 10, "one +2"},
	} {
		if got := shorten(strings.Fields(c.list), c.width); got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.list, c.width, got, c.want)
		}
	}
}

func TestBreakText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		want  string
	}{
		{"short", 5, "short"},
		{"2026-11-14 08:21:45", 10, "2026-11-14\n08:21:45"},
		{"nginx-http-auth", 12, "nginx-http-\nauth"},
		{"2026-11-26T15:08:31Z", 18, "2026-11-26T\n15:08:31Z"},
		{"2026-11-26T15:08:31Z", 11, "2026-11-26T\n15:08:31Z"},
		{"WASTED-TIME", 8, "WASTED-\nTIME"},
		{"UNWANTED", 6, "UNWANT\nED"},
		{"abcdefghij", 4, "abcd\nefgh\nij"},
		{"éééé ü", 4, "éééé\nü"},
	} {
		if got := breakText(c.text, c.width); got != c.want {
			t.Errorf("breakText(%q, %d) = %q, want %q", c.text, c.width, got, c.want)
		}
	}
}

// TestTableLeavesOut shows that minor columns go before a word is broken, only where they have to, and that the table tells so.
func TestTableLeavesOut(t *testing.T) {
	t.Parallel()
	r := Result{
		Columns: []Column{{Name: "name"}, {Name: "expires"}, {Name: "by", Minor: true}, {Name: "serial", Minor: true}, {Name: "names"}},
		Rows: func(yield func([]any, error) bool) {
			row := []any{"web1.example.com", "2026-11-26T19:22:03Z", "admin", "45c33cda9444ae2630da6f5a2cf81408", []string{"www.example.com", "example.com"}}
			for range tableRows + 1 { // more than one table
				if !yield(row, nil) {
					return
				}
			}
		},
	}
	for _, c := range []struct {
		width int
		left  string
	}{
		{160, ""},
		{110, ""},
		{80, "(a wider window, or -o json, also shows serial)\n"},
		{55, "(a wider window, or -o json, also shows by, serial)\n"},
	} {
		var out bytes.Buffer
		if _, err := Write(&out, r, Output{Format: Table, Terminal: true, Width: c.width}); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		for line := range strings.Lines(text) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > c.width {
				t.Fatalf("width %d: a line of %d: %s", c.width, n, line)
			}
		}
		if got := strings.Count(text, "(a wider"); c.left == "" && got != 0 || c.left != "" && strings.Count(text, c.left) != 2 {
			t.Errorf("width %d: want %q in two tables:\n%.2000s", c.width, c.left, text)
		}
		if n := strings.Count(text, "web1.example.com "); n != tableRows+1 {
			t.Errorf("width %d: %d names are whole:\n%.2000s", c.width, n, text)
		}
		if shown := strings.Contains(text, "45c33cda9444ae2630da6f5a2cf81408"); shown != (c.left == "") {
			t.Errorf("width %d: the serial is shown: %v", c.width, shown)
		}
	}
	var plain bytes.Buffer
	if _, err := Write(&plain, r, Output{}); err != nil || !strings.Contains(plain.String(), "\t45c33cda9444ae2630da6f5a2cf81408\twww.example.com,example.com\n") {
		t.Errorf("a pipe gets %.200s, %v", &plain, err)
	}
}

// TestListsGetTheRest shows that lists take the room that broken texts leave.
func TestListsGetTheRest(t *testing.T) {
	t.Parallel()
	row := []any{"2026-11-21 00:53:57", "2026-11-21 01:19:55", []string{"recidive", "sshd"}}
	r := Result{Columns: []Column{{Name: "first"}, {Name: "last"}, {Name: "processes"}}, Rows: rowsOf(row)}
	var out bytes.Buffer
	if _, err := Write(&out, r, Output{Format: Table, Width: 45}); err != nil || !strings.Contains(out.String(), "recidive, sshd") {
		t.Errorf("%v\n%s", err, &out)
	}
}
