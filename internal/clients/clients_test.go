package clients

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"logctl/internal/fauxton"
)

// scriptTime bounds one script.
const scriptTime = 3 * time.Minute

// needs skips a test whose npm packages are not installed.
func needs(t *testing.T, packages ...string) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("SKIPPED: no node; real clients are not tested")
	}
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join("node_modules", p)); err != nil {
			t.Skipf("SKIPPED: the npm package %s is not here; `make clients` installs it", p)
		}
	}
}

// runScript runs a script with node. It finds the server in SERVER, USER and PASSWORD and a directory of its own in DIR. For a line
// "restart" that it prints the server is restarted, and it gets an empty line when that is done.
func runScript(t *testing.T, s *server, script string, env ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptTime)
	defer cancel()
	c := exec.CommandContext(ctx, "node", script)
	c.Env = append(os.Environ(), "SERVER="+s.url(), "USER=admin", "PASSWORD="+s.password, "DIR="+t.ArtifactDir())
	c.Env = append(c.Env, env...)
	c.WaitDelay = time.Second
	var talk bytes.Buffer
	c.Stderr = &talk
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if lines.Text() != "restart" {
			t.Log(lines.Text())
			continue
		}
		s.end(t)
		s.start(t)
		if _, err := io.WriteString(in, "\n"); err != nil {
			t.Errorf("tell the script: %v", err)
		}
	}
	if err := c.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", script, err, talk.Bytes())
	}
}

func TestPouchDB(t *testing.T) {
	needs(t, "pouchdb-core", "pouchdb-replication", "pouchdb-find")
	runScript(t, startServer(t), "pouchdb.mjs")
}

func TestNano(t *testing.T) {
	needs(t, "nano")
	runScript(t, startServer(t), "nano.mjs")
}

func TestCouchBackup(t *testing.T) {
	needs(t, "@cloudant/couchbackup", "nano")
	runScript(t, startServer(t), "couchbackup.mjs")
}

// The npm package that TestFauxton installs.
const fauxtonPackage = "fauxton-" + fauxton.Version + ".tgz"

func TestFauxton(t *testing.T) {
	needs(t, "puppeteer-core", fauxtonPackage)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("SKIPPED: no chromium; Fauxton is not tested in a browser")
	}
	s := startServer(t)
	f, err := os.Open(filepath.Join("node_modules", fauxtonPackage))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := fauxton.Install(s.data, f); err != nil {
		t.Fatal(err)
	}
	runScript(t, s, "fauxton.mjs", "CHROMIUM="+chromium)
}
