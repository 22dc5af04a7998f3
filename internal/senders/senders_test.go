package senders

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// local logs a message at a socket as programs do at /dev/log.
func local(t *testing.T, socket, tag, text string) {
	t.Helper()
	logger := need(t, "logger")
	await(t, "syslog at "+socket, func() bool {
		return exec.Command(logger, "--socket", socket, "--socket-errors=on", "--tag", tag, "--id=7", "-p", "auth.info", text).Run() == nil
	})
}

// rsyslog runs one that reads a socket and does what a snippet says.
func rsyslog(t *testing.T, config string) (socket string) {
	t.Helper()
	rsyslogd := need(t, "rsyslogd")
	dir := t.TempDir()
	socket = filepath.Join(dir, "log")
	conf := write(t, filepath.Join(dir, "conf"), fmt.Sprintf("global(workDirectory=%q)\nmodule(load=\"imuxsock\" SysSock.Use=\"off\")\ninput(type=\"imuxsock\" Socket=%q CreatePath=\"on\")\n%s", dir, socket, config))
	run(t, "rsyslogd", exec.Command(rsyslogd, "-n", "-f", conf, "-i", filepath.Join(dir, "pid")))
	return socket
}

const failed = "Failed password for root from 192.0.2.9 port 22 ssh2"

func TestRsyslog(t *testing.T) {
	t.Parallel()
	s := serve(t, "--syslog-tcp", "127.0.0.1:0", "--syslog-udp", "127.0.0.1:0")
	for _, way := range []string{"tcp", "udp"} {
		t.Run(way, func(t *testing.T) {
			at := s.inputs["syslog-"+way]
			exchange := []string{"log.example.com", "127.0.0.1", `port="514"`, `port="` + port(at) + `"`}
			if way == "udp" {
				exchange = []string{"log.example.com:514", at}
			}
			local(t, rsyslog(t, snippet(t, "rsyslog-"+way, exchange...)), "sshd", failed+" by "+way)
			doc := s.find(t, "syslog", map[string]any{"application": "sshd", "facility": "auth", "level": "info", "connection_hostname": "127.0.0.1"})
			if doc["pid"] != 7.0 || doc["host"] == "" || doc["machine"] != doc["host"] {
				t.Errorf("%v", doc)
			}
		})
	}
	local(t, rsyslog(t, snippet(t, "rsyslog-udp", "log.example.com:514", s.inputs["syslog-udp"])), "sshd", failed)
	s.find(t, "syslog", map[string]any{"ip": "192.0.2.9", "outcome": "failure", "user": "root"})
}

// rsyslog over TLS, with certificates for both; a route goes by the client's.
func TestRsyslogTLS(t *testing.T) {
	t.Parallel()
	need(t, "rsyslogd")
	if found, _ := filepath.Glob("/usr/lib/*/rsyslog/lmnsd_gtls.so"); len(found) == 0 {
		t.Skip("SKIPPED: rsyslog-gnutls is not installed, so syslog over TLS is not tested with a real sender")
	}
	dir := t.TempDir()
	certificates(t, dir)
	routes := write(t, filepath.Join(dir, "routes.toml"), "[[route]]\ncertificate = 'CN=web1'\napp = 'web'\n")
	s := serve(t, "--syslog-tls", "127.0.0.1:0", "--tls-cert", dir+"/server.pem", "--tls-key", dir+"/server.key", "--input-client-ca", dir+"/ca.pem", "--routes", routes)
	local(t, rsyslog(t, snippet(t, "rsyslog-tls", "/etc/logctl", dir, `target="log.example.com"`, `target="127.0.0.1"`, `port="6514"`, `port="`+port(s.inputs["syslog-tls"])+`"`)),
		"app", "over TLS")
	s.find(t, "web", map[string]any{"message": "over TLS", "application": "app"})
}

// rsyslog's queue: what is logged while the server is away comes when it is there.
func TestRsyslogWaits(t *testing.T) {
	t.Parallel()
	need(t, "rsyslogd")
	l, err := net.Listen("tcp", "127.0.0.1:0") // an address where soon nobody listens
	if err != nil {
		t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	socket := rsyslog(t, snippet(t, "rsyslog-tcp", "log.example.com", "127.0.0.1", `port="514"`, `port="`+port(at)+`"`, `resumeInterval="10"`, `resumeInterval="1"`))
	for i := range 3 {
		local(t, socket, "app", fmt.Sprint("message ", i))
	}
	s := serve(t, "--syslog-tcp", at)
	for i := range 3 {
		s.find(t, "syslog", map[string]any{"message": fmt.Sprint("message ", i)})
	}
}

func TestSyslogNG(t *testing.T) {
	t.Parallel()
	syslogNG := need(t, "syslog-ng")
	s := serve(t, "--syslog-tcp", "127.0.0.1:0")
	dir := t.TempDir()
	socket := filepath.Join(dir, "log")
	conf := write(t, filepath.Join(dir, "conf"), fmt.Sprintf("@version: 3.38\nsource s_src { unix-dgram(%q); };\n%s", socket,
		snippet(t, "syslog-ng", "log.example.com", "127.0.0.1", "port(514)", "port("+port(s.inputs["syslog-tcp"])+")", "disk-buffer(", `disk-buffer(dir("`+dir+`") `)))
	run(t, "syslog-ng", exec.Command(syslogNG, "-F", "--no-caps", "-f", conf, "-R", dir+"/persist", "-p", dir+"/pid", "-c", dir+"/ctl"))
	local(t, socket, "sshd", failed)
	doc := s.find(t, "syslog", map[string]any{"ip": "192.0.2.9", "outcome": "failure", "application": "sshd"})
	if doc["pid"] != 7.0 || doc["facility"] != "auth" {
		t.Errorf("%v", doc)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	need(t, "logger")
	s := serve(t, "--syslog-tcp", "127.0.0.1:0")
	out, err := exec.Command("sh", "-c", snippet(t, "logger", "log.example.com", "127.0.0.1", "--port 514", "--port "+port(s.inputs["syslog-tcp"]))).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.find(t, "syslog", map[string]any{"message": "done in 12 minutes", "application": "backup", "facility": "user", "level": "notice"})
}

func TestNginx(t *testing.T) {
	t.Parallel()
	nginx := need(t, "nginx")
	dir := t.TempDir()
	routes := write(t, filepath.Join(dir, "routes.toml"), "[[route]]\napplication = 'nginx'\napp = 'web'\n")
	s := serve(t, "--syslog-udp", "127.0.0.1:0", "--routes", routes)
	l, err := net.Listen("tcp", "127.0.0.1:0") // an address that is free, most likely for a while
	if err != nil {
		t.Fatal(err)
	}
	web := l.Addr().String()
	l.Close()
	conf := write(t, filepath.Join(dir, "conf"), fmt.Sprintf("daemon off; master_process off; pid %s/pid; error_log stderr;\nevents {}\nhttp {\n"+
		"client_body_temp_path %[1]s; proxy_temp_path %[1]s; fastcgi_temp_path %[1]s; uwsgi_temp_path %[1]s; scgi_temp_path %[1]s;\n%s\n"+
		"server { listen %s; location / { return 204; } }\n}\n", dir, snippet(t, "nginx", "log.example.com:514", s.inputs["syslog-udp"]), web))
	run(t, "nginx", exec.Command(nginx, "-e", "stderr", "-p", dir, "-c", conf))
	await(t, "nginx", func() bool {
		res, err := http.Get("http://" + web + "/shop?item=7")
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			res.Body.Close()
		}
		return err == nil
	})
	doc := s.find(t, "web", map[string]any{"status": 204.0, "method": "GET", "ip": "127.0.0.1"})
	if doc["facility"] != "local7" || doc["level"] != "info" || !strings.Contains(mustJSON(t, doc), "/shop?item=7") {
		t.Errorf("%v", doc)
	}
}

// A ban of fail2ban's goes through rsyslog to the report.
func TestFail2ban(t *testing.T) {
	t.Parallel()
	fail2ban := need(t, "fail2ban-server")
	need(t, "rsyslogd")
	dir := t.TempDir()
	routes := write(t, filepath.Join(dir, "routes.toml"), "[[route]]\napplication = 'fail2ban*'\napp = 'fail2ban'\n")
	s := serve(t, "--syslog-tcp", "127.0.0.1:0", "--routes", routes)
	socket := rsyslog(t, snippet(t, "rsyslog-tcp", "log.example.com", "127.0.0.1", `port="514"`, `port="`+port(s.inputs["syslog-tcp"])+`"`))
	local(t, socket, "app", "ready")
	for _, sub := range []string{"filter.d", "action.d"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	watched := write(t, filepath.Join(dir, "watched.log"), "")
	write(t, filepath.Join(dir, "fail2ban.conf"), fmt.Sprintf("[Definition]\nloglevel = INFO\nlogtarget = STDERR\nsyslogsocket = auto\nsocket = %[1]s/f.sock\npidfile = %[1]s/f.pid\ndbfile = None\n", dir))
	write(t, filepath.Join(dir, "fail2ban.local"), snippet(t, "fail2ban", "/dev/log", socket))
	write(t, filepath.Join(dir, "filter.d", "test.conf"), "[Definition]\nfailregex = ^ login failed from <HOST>$\n")
	write(t, filepath.Join(dir, "action.d", "nothing.conf"), "[Definition]\nactionban = true\n")
	write(t, filepath.Join(dir, "jail.conf"), fmt.Sprintf("[test]\nenabled = true\nfilter = test\naction = nothing\nbackend = polling\nlogpath = %s\nmaxretry = 1\n", watched))
	run(t, "fail2ban", exec.Command(fail2ban, "-f", "-c", dir, "-s", dir+"/f.sock", "-p", dir+"/f.pid", "start"))
	found := false
	await(t, "ban", func() bool {
		f, err := os.OpenFile(watched, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if out, err := exec.Command("date", "+%Y-%m-%d %H:%M:%S login failed from 192.0.2.9").Output(); err == nil {
			_, _ = f.Write(out) // again until the jail is looking
		}
		for _, doc := range s.docs(t, "fail2ban") {
			found = found || doc["event"] == "ban" && doc["ip"] == "192.0.2.9" && doc["process"] == "test"
		}
		return found
	})
	out, err := logctl(t, s.data, "report", "attackers", "--app", "fail2ban").Output()
	if err != nil || !strings.HasPrefix(string(out), "192.0.2.9\t") {
		t.Errorf("%s, %v", out, err)
	}
}

func TestLogrotate(t *testing.T) {
	t.Parallel()
	logrotate := need(t, "logrotate")
	s := serve(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "shop.log"), "2026-11-21 01:42:45 paid\n2026-11-21 01:42:46 refunded\n")
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	conf := write(t, filepath.Join(dir, "conf"), snippet(t, "logrotate", "/var/log", dir, "logctl ship", path+" ship"))
	c := exec.Command(logrotate, "--force", "--state", dir+"/state", conf)
	c.Env = append(os.Environ(), asLogctl+"=1", "LOGCTL_DATA="+s.data, "LOGCTL_URL=")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.find(t, "shop", map[string]any{"date": "2026-11-21", "event": "paid"})
	s.find(t, "shop", map[string]any{"event": "refunded"})
}

// The routes of the page are ones that a serve takes.
func TestRoutes(t *testing.T) {
	t.Parallel()
	serve(t, "--loki", "--routes", write(t, filepath.Join(t.TempDir(), "routes.toml"), snippet(t, "routes")))
}
