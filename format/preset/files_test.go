package preset

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"logctl/format"
)

// known are files of logs of other people's that are of a kind that we know, as patterns. Of each file a preset fits 99 of 100 lines,
// but for those that are named as no lines of the kind.
var known = []struct {
	files, preset string
	lines         func(text []byte) []string // nil: the file's own
	but           []string                   // parts of lines that are no lines of the kind
}{
	{"fail2ban-log/*.log", "auto", nil, nil},
	{"fail2ban-log/input-error.log.1", "nginx-error", nil, nil},
	{"fail2ban-log/syslog-genuine-*.log", "syslog", nil, nil},
	{"loghub/OpenSSH/*.log", "syslog", nil, nil},
	{"loghub/OpenSSH/*.log", "sshd", nil, nil},
	{"loghub/Apache/*.log", "apache-error", nil, nil},
	{"loghub/Mac/*.log", "syslog", nil, nil},
	{"access/apache_combined_3000.log", "apache-access", nil, nil},
	{"access/apache_combined_3000.log", "auto", nil, nil},
	{"access/nginxplus_json_250.log", "json", nil, nil},
	{"k8s/audit_demo.log", "json", nil, nil},
	{"k8s/fluentbit_docker_cri.log", "docker", onlyLines(`{"log":`), []string{` "}`, `{"log":"li`, `{"log":"ne\n"}`, `one\n"}`}}, // without stream and time: not Docker's own
	{"appliances/*.tsv", "syslog", secondColumn, []string{"Hostname kernel: "}},                                                  // its time is cut off
	{"syslog/*rfc3164*.jsonl", "syslog", jsonLines("input"), nil},
	{"syslog/*rfc5424*.jsonl", "syslog", validLines, nil},
	{"syslog/wire_captures.jsonl", "syslog", jsonLines("raw"), nil},
	{"syslog/rsyslog_testbench_messages.jsonl", "syslog", jsonLines("raw"), nil},
	{"postfix/*.yaml", "postfix", postfixLines, nil},
	{"ossec/sshd.ini", "sshd", ossecLines, nil},
	{"ossec/pam.ini", "syslog", ossecLines, nil},
	{"ossec/nginx.ini", "nginx-error", ossecLines, []string{"[yadda]"}},
	{"ossec/samba.ini", "syslog", ossecLines, nil},
	{"ossec/named.ini", "syslog", ossecLines, nil},
	{"ossec/apparmor.ini", "syslog", ossecLines, []string{"type=AVC"}},
	{"ossec/opensmtpd.ini", "syslog", ossecLines, nil},
	{"ossec/mailscanner.ini", "syslog", ossecLines, nil},
	{"ossec/netscreen.ini", "syslog", ossecLines, nil},
	{"ossec/web_appsec.ini", "access", ossecLines, nil},
	{"lnav/logfile_access_log_dupe.0", "access", nil, nil},
	{"lnav/logfile_bad_access_log.0", "access", nil, []string{"192.168.202.254 [20"}}, // fields are missing
	{"lnav/logfile_bad_syslog.0", "syslog", nil, nil},
	{"lnav/logfile_for_join.0", "syslog", nil, nil},
	{"lnav/logfile_partitions.0", "syslog", nil, nil},
	{"lnav/logfile_pretty.0", "syslog", nil, []string{"\t", ">"}}, // lines that go on
	{"lnav/logfile_rollover.2", "syslog", nil, nil},
	{"lnav/logfile_syslog.0", "syslog", nil, nil},
	{"lnav/logfile_syslog_with_header.0", "syslog", nil, []string{"Header"}},
	{"lnav/logfile_syslog_with_mixed_times.0", "syslog", nil, nil},
	{"lnav/logfile_with_zones.0", "syslog", nil, nil},
	{"lnav/logfile_journald.json", "journald", nil, nil},
	{"lnav/logfile_caddy_log.1", "caddy", nil, nil},
	{"lnav/logfile_mongodb.0", "mongodb", nil, nil},
	{"lnav/logfile_logfmt.0", "logfmt", nil, nil},
	{"lnav/logfile_json*.json", "json", nil, nil},
	{"lnav/logfile_nested_json.json", "json", nil, nil},
	{"lnav/logfile_bunyan.0", "json", nil, nil},
	{"lnav/logfile_pino.0", "json", nil, nil},
	{"lnav/logfile_muxed_syslog.0", "json", nil, nil},
	{"crowdsec/apache2-logs/*.log", "apache", nil, nil},
	{"crowdsec/apache-*prob*/*.log", "auto", nil, nil},
	{"crowdsec/apache-cve-*/*.log", "apache", nil, nil},
	{"crowdsec/apache2-*mal*/*.log", "auto", nil, nil},
	{"crowdsec/http-*/*.log", "auto", nil, nil},
	{"crowdsec/nginx-http-*/*.log", "auto", nil, nil},
	{"crowdsec/nginx_req*/*.log", "auto", nil, nil},
	{"crowdsec/nginx-mail-logs/*.log", "nginx", nil, nil},
	{"crowdsec/modsecurity/*.log", "apache-error", nil, nil},
	{"crowdsec/modsecurity-nginx/*.log", "nginx-error", nil, nil},
	{"crowdsec/bunkerweb-*/*.log", "nginx", nil, nil},
	{"crowdsec/zoneminder_cve*/*.log", "auto", nil, nil},
	{"crowdsec/sshd-*/*.log", "sshd", nil, nil},
	{"crowdsec/ssh-*/*.log", "sshd", nil, nil},
	{"crowdsec/opnsense-sshd/*.log", "syslog", nil, nil},
	{"crowdsec/pam-logs/*.log", "syslog", nil, nil},
	{"crowdsec/postfix-*/*.log", "postfix", nil, nil},
	{"crowdsec/postscreen-logs/*.log", "postfix", nil, nil},
	{"crowdsec/dovecot-*/*.log", "dovecot", nil, nil},
	{"crowdsec/proftpd-logs/*.log", "proftpd", nil, nil},
	{"crowdsec/pureftpd-bf/*.log", "pure-ftpd", nil, nil},
	{"crowdsec/vsftpd-logs/*.log", "vsftpd", nil, nil},
	{"crowdsec/pgsql-logs/*.log", "postgresql", nil, nil},
	{"crowdsec/mariadb-*/*.log", "mysql", nil, nil},
	{"crowdsec/mysql-bf/*.log", "mysql", nil, nil},
	{"crowdsec/mongodb-*/*.log", "mongodb", nil, nil},
	{"crowdsec/haproxy-logs/*.log", "haproxy", nil, nil},
	{"crowdsec/caddy-logs/*.log", "caddy", nil, nil},
	{"crowdsec/traefik_clf/*.log", "traefik", nil, nil},
	{"crowdsec/cri-logs/*.log", "cri", nil, nil},
	{"crowdsec/auditd-*/*.log", "auditd", nil, nil},
	{"crowdsec/laurel-*/*.log", "json", nil, nil},
	{"crowdsec/suricata-*/*.log", "json", nil, nil},
	{"crowdsec/pf-logs/*.log", "syslog", nil, nil},
	{"crowdsec/mikrotik-*/*.log", "syslog", nil, nil},
	{"crowdsec/endlessh-syslogs/*.log", "syslog", nil, nil},
	{"crowdsec/charon-ipsec-bf/*.log", "syslog", nil, nil},
	{"crowdsec/exim-syslog-logs/*.log", "syslog", nil, nil},
	{"crowdsec/proxmox-logs/*.log", "syslog", nil, nil},
	{"crowdsec/bind9-logs/*.log", "named", nil, nil},
	{"crowdsec/exim-logs/*.log", "exim", nil, nil},
	{"crowdsec/exim-syslog-logs/*.log", "exim", nil, nil},
	{"fail2ban-tests/exim-spam", "exim", caseLines, nil},
	{"fail2ban-tests/lighttpd-auth", "lighttpd-error", caseLines, nil},
	{"crowdsec/syslog-logs/*.log", "syslog", nil, nil},
	{"fail2ban-tests/sshd", "sshd", caseLines, nil},
	{"fail2ban-tests/dovecot", "dovecot", caseLines, nil},
	{"fail2ban-tests/pam-generic", "syslog", caseLines, []string{"FAIL LOGIN"}}, // vsftpd's own log
	{"fail2ban-tests/vsftpd", "vsftpd", caseLines, nil},
	{"fail2ban-tests/nginx-*", "nginx-error", caseLines, []string{"host nginx["}}, // the journal's without its time
	{"fail2ban-tests/apache-botsearch", "apache-error", caseLines, nil},
	{"fail2ban-tests/apache-no*", "apache-error", caseLines, nil},
	{"fail2ban-tests/apache-overflows", "apache-error", caseLines, nil},
	{"fail2ban-tests/apache-fakegooglebot", "access", caseLines, []string{" ] fail2ban.org "}}, // no zone, and a host behind it
	{"fail2ban-tests/php-url-fopen", "access", caseLines, nil},
	{"fail2ban-tests/mongodb-auth", "mongodb-text", caseLines, nil},
	{"fail2ban-tests/squid", "squid", caseLines, nil},
	{"fail2ban-tests/selinux-ssh", "auditd", caseLines, nil},
	{"fail2ban-tests/bsd/syslog-*.txt", "syslog", nil, nil},
	{"fail2ban-tests/dropbear", "syslog", caseLines, nil},
	{"fail2ban-tests/courier-*", "syslog", caseLines, nil},
	{"fail2ban-tests/sieve", "syslog", caseLines, nil},
	{"fail2ban-tests/perdition", "syslog", caseLines, nil},
	{"fail2ban-tests/suhosin", "syslog", caseLines, nil},
	{"fail2ban-tests/scanlogd", "syslog", caseLines, nil},
	{"fail2ban-tests/proxmox", "syslog", caseLines, nil},
}

func TestKnownFiles(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := load(t)
	for _, k := range known {
		files, err := filepath.Glob(filepath.Join(dir, k.files))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: %v, no files", k.files, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			lines := ownFileLines(text)
			if k.lines != nil {
				lines = k.lines(text)
			}
			checkKnown(t, s, file, k.preset, k.but, lines)
		}
	}
}

func checkKnown(t *testing.T, s *Set, file, preset string, but, lines []string) {
	t.Helper()
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.TrimSpace(line) == "" || slices.ContainsFunc(but, func(part string) bool { return strings.Contains(line, part) })
	})
	if preset == AutoName {
		c, err := s.Choose([]byte(strings.Join(lines, "\n")), testTime)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			return
		}
		preset = c.Preset
	}
	p := parser(t, s, preset, Options{Events: "all"})
	fit, other := 0, 0
	var rejected []string
	for _, line := range lines {
		out, verdict := p.Append(nil, []byte(line))
		switch {
		case verdict != format.Matched:
			rejected = append(rejected, fmt.Sprintf("%s\n%s", line, p.Reason([]byte(line))))
			continue
		case bytes.Contains(out, []byte(`"event":"other"`)):
			other++
		}
		fit++
	}
	t.Logf("%5.1f %% of %5d lines, %4d of them without a name for what happened: %s as %s", 100*float64(fit)/float64(len(lines)), len(lines), other, filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), preset)
	if len(lines) == 0 || 100*fit < 99*len(lines) {
		t.Errorf("%s as %s: %d of %d\n%s", file, preset, fit, len(lines), strings.Join(rejected[:min(5, len(rejected))], "\n"))
	}
}

// What the parsers of another project find in lines: the address and the user.
func TestAsserted(t *testing.T) {
	t.Parallel()
	dir := data(t)
	s := load(t)
	for _, tt := range []struct{ folder, preset string }{{"sshd-logs", "sshd"}, {"postfix-logs", "postfix"}, {"apache2-logs", "apache"}} {
		asserted, err := os.ReadFile(filepath.Join(dir, "crowdsec", tt.folder, "parser.assert"))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "crowdsec", tt.folder, tt.folder+".log"))
		if err != nil {
			t.Fatal(err)
		}
		p := parser(t, s, tt.preset, Options{})
		var docs []struct{ IP, User string }
		for _, line := range ownFileLines(text) {
			out, verdict := p.Append(nil, []byte(line))
			if verdict == format.Skipped {
				continue
			}
			var doc struct{ IP, User string }
			if err := json.Unmarshal(out, &doc); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			docs = append(docs, doc)
		}
		checked := 0
		for _, m := range assertion.FindAllStringSubmatch(string(asserted), -1) {
			i, _ := strconv.Atoi(m[1])
			got := docs[i].IP
			if m[2] == "target_user" {
				got = docs[i].User
			}
			if checked++; got != m[3] {
				t.Errorf("%s: line %d: %s is %q, want %q", tt.folder, i+1, m[2], got, m[3])
			}
		}
		if checked == 0 {
			t.Errorf("%s: nothing was checked", tt.folder)
		}
		t.Logf("%s: %d values", tt.folder, checked)
	}
}

var assertion = regexp.MustCompile(`results\["s01-parse"\]\["[^"]*"\]\[(\d+)\]\.Evt\.Meta\["(source_ip|target_user)"\] == "([^"]*)"`)

// What Postfix' messages say, after another project's patterns.
func TestPostfixCases(t *testing.T) {
	t.Parallel()
	file := filepath.Join(data(t), "postfix", "postfix_grok_cases.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p := parser(t, load(t), "postfix", Options{})
	member := map[string]string{"postfix_client_ip": "ip", "postfix_client_hostname": "client", "postfix_queueid": "queue", "postfix_smtp_stage": "stage",
		"postfix_status_code": "code", "postfix_status_code_enhanced": "dsn", "postfix_status": "status", "postfix_client_port": "port"}
	checked := 0
	for part := range strings.SplitSeq(string(text), "\n---\n") {
		lines := postfixLines([]byte(part))
		if len(lines) == 0 {
			continue
		}
		out, _ := p.Append(nil, []byte(lines[0]))
		var doc map[string]any
		if err := json.Unmarshal(out, &doc); err != nil {
			t.Fatalf("%s: %v", lines[0], err)
		}
		for _, line := range ownFileLines([]byte(part)) {
			key, want, _ := strings.Cut(strings.TrimSpace(line), ": ")
			name, wanted := member[key]
			if !wanted || want == "NOQUEUE" { // a literal of ours
				continue
			}
			if checked++; fmt.Sprint(doc[name]) != strings.Trim(want, `"`) {
				t.Errorf("%s\n%s: want %s %s", lines[0], out, name, want)
			}
		}
	}
	t.Logf("%d values", checked)
	if checked < 40 {
		t.Errorf("%d values were checked", checked)
	}
}

func ownFileLines(text []byte) []string {
	var all []string
	for line := range strings.Lines(string(text)) {
		all = append(all, strings.TrimRight(line, "\r\n"))
	}
	return all
}

func onlyLines(prefix string) func([]byte) []string {
	return func(text []byte) []string {
		return slices.DeleteFunc(ownFileLines(text), func(line string) bool { return !strings.HasPrefix(line, prefix) })
	}
}

func caseLines(text []byte) []string {
	return slices.DeleteFunc(ownFileLines(text), func(line string) bool { return strings.HasPrefix(line, "#") })
}

func secondColumn(text []byte) []string {
	var all []string
	for _, line := range ownFileLines(text) {
		_, line, _ = strings.Cut(line, "\t")
		all = append(all, line)
	}
	return all
}

// jsonLines are the texts of a member, as lines: what a stream carries may be several, with counts before them.
func jsonLines(member string) func([]byte) []string {
	return func(text []byte) []string {
		var all []string
		for _, line := range ownFileLines(text) {
			var doc map[string]any
			if err := json.Unmarshal([]byte(line), &doc); err != nil {
				panic(err)
			}
			first, _, _ := strings.Cut(strings.TrimRight(doc[member].(string), "\n\x00"), "\n")
			all = append(all, first)
		}
		return all
	}
}

func validLines(text []byte) []string {
	var valid []string
	for _, line := range ownFileLines(text) {
		if strings.HasSuffix(line, `"valid": true}`) {
			valid = append(valid, line)
		}
	}
	return jsonLines("input")([]byte(strings.Join(valid, "\n")))
}

// ossecLines are what follows "log 1 pass = ".
func ossecLines(text []byte) []string {
	var all []string
	for _, line := range ownFileLines(text) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "log ") {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return all
}

// postfixLines are the messages of cases in YAML, in syslog's form. Some cases are parts of messages.
func postfixLines(text []byte) []string {
	var all []string
	pattern := ""
	for _, line := range ownFileLines(text) {
		if rest, ok := strings.CutPrefix(line, "pattern:"); ok {
			pattern = rest
		}
		value, ok := strings.CutPrefix(line, "data: ")
		if !ok || strings.Contains(pattern, "_DATA") || strings.Contains(pattern, "RELAY") || strings.Contains(pattern, "FEATURES") {
			continue
		}
		if quoted := strings.Trim(value, " "); strings.HasPrefix(quoted, `"`) {
			value = strings.NewReplacer(`\"`, `"`, `\n`, `\n`).Replace(strings.Trim(quoted, `"`))
		}
		all = append(all, "Nov 21 01:42:45 mx postfix/smtpd[1]: "+value)
	}
	return all
}
