package cmd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"logctl": func() { os.Exit(Main(os.Args[1:])) },
	})
}

// TestScript runs what a user sees on the embedded store: testdata/script/<command>_<behaviour>.txtar, each in a
// directory with data and configuration of its own.
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			isolate(e)
			return nil
		},
		Condition: func(cond string) (bool, error) { return scriptCondition(cond, false) },
		Cmds:      scriptCommands(),
	})
}

// TestScriptCouchDB runs the same scripts against the Apache CouchDB that LOGCTL_TEST_COUCHDB_URL names, as in
// http://admin:secret@127.0.0.1:5984. It deletes every log_ database and every account there, script by script.
func TestScriptCouchDB(t *testing.T) {
	couch := os.Getenv("LOGCTL_TEST_COUCHDB_URL")
	if couch == "" {
		t.Skip("SKIPPED: no Apache CouchDB to run the scripts against: set LOGCTL_TEST_COUCHDB_URL=http://admin:password@host:5984")
	}
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Setup: func(e *testscript.Env) error {
					isolate(e)
					return useCouchDB(e, couch)
				},
				Condition: func(cond string) (bool, error) { return scriptCondition(cond, true) },
				Cmds:      scriptCommands(),
			})
		})
	}
}

// isolate keeps a script away from the machine's data, configuration and home.
func isolate(e *testscript.Env) {
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("XDG_DATA_HOME", "")
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
	e.Setenv("LOGCTL_DATA", filepath.Join(e.WorkDir, "data"))
	e.Values[serverKey{}] = &serverList{}
	e.Setenv("TZ", "UTC")
	e.Setenv("GORACE", "atexit_sleep_ms=0")
	if shared, err := filepath.Abs("../../shared"); err == nil {
		e.Setenv("SHARED", shared)
	}
}
