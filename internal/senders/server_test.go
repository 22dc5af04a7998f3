package senders

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"logctl/cmd"
)

// asLogctl makes the test's binary be logctl.
const asLogctl = "SENDERS_TEST_IS_LOGCTL"

func TestMain(m *testing.M) {
	if os.Getenv(asLogctl) != "" {
		os.Exit(cmd.Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// server is a logctl serve.
type server struct {
	data   string
	url    string
	inputs map[string]string
}

const patience = time.Minute

// logctl is a command of the binary under test.
func logctl(t *testing.T, data string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path, args...)
	c.Env = append(os.Environ(), asLogctl+"=1", "LOGCTL_DATA="+data, "LOGCTL_URL=", "GORACE=atexit_sleep_ms=0")
	return c
}

// serve starts one that ends with the test.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{data: t.TempDir()}
	run(t, "serve", logctl(t, s.data, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...))
	var ad struct {
		URL    string
		Inputs map[string]string
	}
	await(t, "the serve", func() bool {
		text, err := os.ReadFile(filepath.Join(s.data, "serve.json"))
		return err == nil && json.Unmarshal(text, &ad) == nil && ad.URL != ""
	})
	s.url, s.inputs = ad.URL, ad.Inputs
	return s
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s after %v", what, patience)
		}
	}
}

// run starts a program that is ended with the test; what it says is told if the test fails.
func run(t *testing.T, name string, c *exec.Cmd) {
	t.Helper()
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = said, said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(patience):
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-done
		}
		if t.Failed() {
			text, _ := os.ReadFile(said.Name())
			t.Logf("%s said:\n%s", name, text)
		}
		said.Close()
	})
}

// docs are all docs of an app, none while there is no such app.
func (s *server) docs(t *testing.T, app string) []map[string]any {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(s.data, "admin.password"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/log_"+app+"/_all_docs?include_docs=true&endkey=%22_%22", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("admin", strings.TrimSpace(string(password)))
	// The certificate is one that the test has made for another name.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Rows []struct{ Doc map[string]any }
	}
	if res.StatusCode == http.StatusNotFound {
		return nil
	}
	if err := json.Unmarshal(text, &answer); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", res.Status, text, err)
	}
	var docs []map[string]any
	for _, row := range answer.Rows {
		docs = append(docs, row.Doc)
	}
	return docs
}

// find waits for the doc that has these members.
func (s *server) find(t *testing.T, app string, members map[string]any) map[string]any {
	t.Helper()
	var found map[string]any
	var last []map[string]any
	defer func() {
		if found == nil {
			text, _ := json.MarshalIndent(last, "", " ")
			t.Logf("the docs of %s: %s", app, text)
		}
	}()
	await(t, "doc with "+mustJSON(t, members), func() bool {
		last = s.docs(t, app)
	docs:
		for _, doc := range last {
			for name, value := range members {
				if doc[name] != value {
					continue docs
				}
			}
			found = doc
			return true
		}
		return false
	})
	return found
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// snippet is what docs/inputs.md says, with some texts exchanged. Each must be there.
func snippet(t *testing.T, name string, exchange ...string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "inputs.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := bytes.Cut(page, []byte("<!-- snippet "+name+" -->\n"))
	if !ok {
		t.Fatalf("docs/inputs.md has no snippet %s", name)
	}
	var text strings.Builder
	for line := range strings.Lines(string(rest)) {
		indented, ok := strings.CutPrefix(line, "    ")
		if !ok && strings.TrimSpace(line) != "" {
			break
		}
		text.WriteString(strings.TrimRight(indented, "\n") + "\n")
	}
	out := text.String()
	for i := 0; i < len(exchange); i += 2 {
		if !strings.Contains(out, exchange[i]) {
			t.Fatalf("snippet %s has no %q to be exchanged:\n%s", name, exchange[i], out)
		}
		out = strings.ReplaceAll(out, exchange[i], exchange[i+1])
	}
	return out
}

// need is the path of a program.
func need(t *testing.T, program string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/", "/sbin/"} {
		if path, err := exec.LookPath(dir + program); err == nil {
			return path
		}
	}
	t.Skipf("SKIPPED: %s is not installed, so what docs/inputs.md says of it is not tested", program)
	return ""
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func port(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
