package cmd

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptSend sends a file to an input of the serve that runs. Over UDP each line is a datagram.
func scriptSend(ts *testscript.TestScript, _ bool, args []string) {
	var conf *tls.Config
	if len(args) == 5 && args[0] == "-cert" {
		pair, err := tls.LoadX509KeyPair(ts.MkAbs(args[1]), ts.MkAbs(args[2]))
		ts.Check(err)
		conf, args = &tls.Config{Certificates: []tls.Certificate{pair}}, args[3:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: send [-cert CERT KEY] INPUT FILE")
	}
	text, err := os.ReadFile(filepath.Join(ts.Getenv("LOGCTL_DATA"), "serve.json"))
	ts.Check(err)
	var ad struct{ Inputs map[string]string }
	ts.Check(json.Unmarshal(text, &ad))
	network := "tcp"
	if strings.HasSuffix(args[0], "-udp") {
		network = "udp"
	}
	conn, err := net.Dial(network, ad.Inputs[args[0]])
	ts.Check(err)
	defer conn.Close()
	if strings.HasSuffix(args[0], "-tls") {
		if conf == nil {
			conf = &tls.Config{}
		}
		conf.InsecureSkipVerify = true
		conn = tls.Client(conn, conf)
	}
	lines := []string{ts.ReadFile(args[1])}
	if network == "udp" {
		lines = strings.SplitAfter(strings.TrimSuffix(lines[0], "\n"), "\n")
	}
	for _, line := range lines {
		_, err := io.WriteString(conn, line)
		ts.Check(err)
	}
}

// scriptAwait runs logctl until its output shows what is waited for.
func scriptAwait(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await PATTERN ARG...")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	path, err := findLogctl(ts.Getenv("PATH"))
	ts.Check(err)
	for deadline := time.Now().Add(answerWait); ; time.Sleep(50 * time.Millisecond) {
		c := exec.Command(path, args[1:]...)
		for _, name := range []string{"PATH", "HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "LOGCTL_DATA", "LOGCTL_URL", "LOGCTL_USER", "LOGCTL_PASSWORD_FILE", "TZ", "GORACE"} {
			c.Env = append(c.Env, name+"="+ts.Getenv(name))
		}
		c.Dir = ts.MkAbs(".")
		out, err := c.CombinedOutput()
		if err == nil && want.Match(out) {
			_, err := ts.Stdout().Write(out)
			ts.Check(err)
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("no %q in\n%s%v", args[0], out, err)
		}
	}
}
