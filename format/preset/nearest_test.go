package preset

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, want string }{
		{"ssh", "sshd, "},
		{"sshdd", "sshd"},
		{"dovceot", "dovecot"},
		{"ngnix", "nginx"},
		{"MariaDB", "mysql"},
		{"UFW", "firewall"},
		{"apache2", "apache"},
		{"nosuch", ""},
		{"", ""},
	} {
		got := strings.Join(s.nearest(tt.name), ", ")
		if !strings.HasPrefix(got+", ", tt.want) || tt.want == "" && got != "" {
			t.Errorf("%q: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestEdits(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "ab", 2}, {"ab", "", 2}, {"ab", "ab", 0}, {"ab", "ba", 1}, {"abc", "axc", 1}, {"abc", "ac", 1}, {"ab", "xaby", 2}, {"ca", "abc", 3},
	} {
		if got := edits(tt.a, tt.b); got != tt.want {
			t.Errorf("%q %q: %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
