package preset

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"logctl/format"
)

// data is where logs of other people's are kept beside the project's tree, or "".
func data(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("SKIPPED: no logs of other people's beside the tree: the presets were tried on our own lines only")
	}
	return dir
}

// fail2banCases are fail2ban's own test lines by the preset that reads them: of a line that it has to match, our doc names the
// address that it finds, as a failure.
var fail2banCases = []struct {
	file, preset string
	but          []string // parts of lines for which that can't be, or need not
}{
	{"sshd", "syslog", []string{
		// fail2ban has the address from an earlier line of the same connection.
		"sshd[26713]: Disconnecting: Too many authentication failures", "]: Accepted password for known", "fatal: Read from socket failed",
		"]: error: kex_exchange_identification: ", "Connection closed by 192.0.2.15 port 35352", "Unable to negotiate a key exchange", "no matching mac found",
		// With a password sshd has nothing to add behind ssh2: this user is named "test from 127.0.0.1 port 58946 ssh2:".
		"Failed password for invalid user test from 127.0.0.1 port 58946 ssh2: from",
	}},
	{"dovecot", "syslog", nil},
	{"pam-generic", "syslog", nil},
	{"vsftpd", "auto", nil},
	{"nginx-http-auth", "auto", []string{"host nginx["}}, // a line of the journal's without its time
	{"nginx-limit-req", "auto", []string{"host nginx["}},
	{"apache-botsearch", "auto", nil},
	{"apache-nohome", "auto", nil},
	{"apache-noscript", "auto", nil},
	{"apache-overflows", "auto", nil},
	{"selinux-ssh", "auto", nil},
	{"dropbear", "syslog", nil},
	{"sendmail-auth", "syslog", nil},
	{"courier-auth", "syslog", nil},
	{"courier-smtp", "syslog", nil},
	{"sieve", "syslog", nil},
	{"lighttpd-auth", "lighttpd-error", nil},
	{"proxmox", "syslog", nil},
}

var failJSON = regexp.MustCompile(`^#\s*failJSON:\s*(\{.*\})\s*$`)

func TestFail2banCases(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(data(t), "fail2ban-tests")
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range fail2banCases {
		text, err := os.ReadFile(filepath.Join(dir, tt.file))
		if err != nil {
			t.Errorf("SKIPPED: %v", err)
			continue
		}
		name := tt.preset
		if name == "auto" {
			var plain [][]byte
			for line := range bytes.SplitSeq(text, []byte("\n")) {
				if len(line) > 0 && line[0] != '#' {
					plain = append(plain, line)
				}
			}
			c, err := s.Choose(bytes.Join(plain, []byte("\n")), time.Now())
			if err != nil {
				t.Errorf("%s: %v", tt.file, err)
				continue
			}
			name = c.Preset
		}
		p, err := s.Parser(name, Options{})
		if err != nil {
			t.Fatal(err)
		}
		p.SetReference(time.Date(2005, 12, 30, 0, 0, 0, 0, time.UTC))
		var want struct {
			Match bool
			Host  string
		}
		good, all := 0, 0
	lines:
		for line := range strings.Lines(string(text)) {
			line = strings.TrimRight(line, "\r\n")
			if m := failJSON.FindStringSubmatch(line); m != nil {
				want.Match, want.Host = false, ""
				if err := json.Unmarshal([]byte(m[1]), &want); err != nil {
					t.Logf("%s: %v", m[1], err)
				}
				continue
			}
			if line == "" || line[0] == '#' {
				continue
			}
			out, verdict := p.Append(nil, []byte(line))
			if !want.Match {
				continue
			}
			want.Match = false
			for _, b := range tt.but {
				if strings.Contains(line, b) {
					continue lines
				}
			}
			all++
			var doc struct{ IP, Outcome string }
			if verdict == format.Matched {
				if err := json.Unmarshal(out, &doc); err != nil {
					t.Fatalf("%s: %v", out, err)
				}
			}
			if doc.IP != want.Host || doc.Outcome != "failure" {
				t.Errorf("%s (%s): %s\n%s", tt.file, name, line, out)
				continue
			}
			good++
		}
		t.Logf("%s as %s: %d of %d", tt.file, name, good, all)
	}
}
