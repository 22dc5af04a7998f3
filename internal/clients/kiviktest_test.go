package clients

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// beside is what kiviktest lacks: a method that package testing asks for since Go 1.26, and a way to say what a server that is
// not one of kivik's is expected to answer.
const beside = `package kiviktest

import "github.com/go-kivik/kivik/v4/kiviktest/kt"

func (*deps) ModulePath() string { return "" }

func Expectations(suite string) kt.SuiteConfig { return suites[suite] }
`

// minPassed is less than the number of kiviktest's tests that pass, groups included, and more than are left if one of them is not run.
const minPassed = 390

// TestKiviktest runs what kivik tests CouchDB with. What the server answers otherwise is in testdata/kiviktest/suite_test.go.
func TestKiviktest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "kiviktest"))); err != nil {
		t.Fatal(err)
	}
	s := begin(t, &server{bare: true})
	run := func(args ...string) (string, error) {
		c := exec.CommandContext(t.Context(), "go", args...)
		c.Dir = dir
		u := url.URL{Scheme: "http", Host: s.listen, Path: "/", User: url.UserPassword("admin", s.password)}
		c.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "SERVER="+u.String())
		out, err := c.CombinedOutput()
		return string(out), err
	}
	if out, err := run("mod", "vendor"); strings.Contains(out, "GOPROXY=off") {
		t.Skip("SKIPPED: the modules of kivik's tests are not here; `make clients` downloads them")
	} else if err != nil {
		t.Fatalf("go mod vendor: %v\n%s", err, out)
	}
	file := filepath.Join(dir, "vendor", "github.com", "go-kivik", "kivik", "v4", "kiviktest", "beside.go")
	if err := os.WriteFile(file, []byte(beside), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := run("test", "-count=1", "-v", "-vet=off", "-trimpath", "-timeout="+scriptTime.String(), ".")
	passed := 0
	for line := range strings.Lines(out) {
		switch text := strings.TrimSpace(line); {
		case strings.HasPrefix(text, "--- PASS"):
			passed++
		case err != nil && !strings.HasPrefix(text, "==="):
			t.Log(strings.TrimRight(line, "\n"))
		}
	}
	if err != nil || passed < minPassed {
		t.Errorf("%d tests passed, want at least %d; %v", passed, minPassed, err)
	}
}
