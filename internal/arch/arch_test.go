package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "logctl"

// mayImport tells for each package which of ours it may import. A package that is not in it fails the test: it has to enter
// this table and the one in ARCHITECTURE.md. "*" is everything.
var mayImport = map[string][]string{
	"cmd/logctl":            {"cmd"},
	"cmd":                   {"*"},
	"internal/app":          {"*"},
	"format":                {"store", "store/ejson", "internal/lines", "format/kv", "format/syslog", "format/timefmt", "format/token"},
	"format/kv":             {"format/token"},
	"format/timefmt":        {"format/token"},
	"format/geoip":          {"store", "store/ejson", "format/token"},
	"format/geoip/mmdbtest": {},
	"format/container":      {"format", "store", "store/ejson"},
	"format/learn":          {"format", "format/timefmt", "format/token", "internal/lines"},
	"format/syslog":         {"format/token"},
	"format/preset":         {"store", "store/ejson", "format", "format/kv", "format/syslog", "format/timefmt", "format/token"},
	"format/token":          {"store"},
	"ship":                  {"store", "store/ejson", "internal/lines", "ship/cut", "ship/receipt", "ship/source", "ship/spool", "ship/state", "ship/tail"},
	"ship/source":           {},
	"ship/journal":          {"ship/source", "store"},
	"ship/kernel":           {"ship/source", "store"},
	"ship/pods":             {"store", "store/ejson"},
	"ship/spool":            {"store"},
	"ship/tail":             {"internal/lines", "ship/source"},
	"ship/state":            {"internal/flock", "ship/source", "store"},
	"internal/flock":        {"store"},
	"ship/cut":              {},
	"ship/receipt":          {"store"},
	"cron":                  {"store"},
	"proxy":                 {"store", "store/ejson", "store/intake", "proxy/tenants", "proxy/token", "proxy/trail", "proxy/wire"},
	"proxy/tenants":         {"store"},
	"proxy/token":           {"store"},
	"proxy/lines":           {"store", "store/ejson", "format/syslog"},
	"proxy/audit":           {},
	"proxy/ca":              {"store"},
	"proxy/trail":           {"store"},
	"proxy/wire":            {},
	"store":                 {},
	"store/ejson":           {"store"},
	"store/engine":          {"store", "store/ejson", "store/engine/bundle", "store/engine/gate"},
	"store/engine/bundle":   {"store/ejson"},
	"store/engine/gate":     {},
	"store/intake":          {"store"},
	"store/mango":           {"store", "store/ejson", "store/view/collate"},
	"store/rewrite":         {"store"},
	"store/password":        {},
	"store/uuids":           {},
	"store/view":            {"store", "store/ejson", "store/mango", "store/view/js", "store/view/btree", "store/view/collate", "store/view/reduce"},
	"store/view/btree":      {"store", "store/view/collate"},
	"store/view/collate":    {"store", "store/ejson"},
	"store/view/reduce":     {"store", "store/ejson", "store/view/collate"},
	"store/view/js":         {"store", "store/ejson", "store/view/js/plain", "store/view/js/jsdate", "store/view/js/jstext"},
	"store/view/js/plain":   {"store", "store/view/js/jsdate", "store/view/js/jstext"},
	"store/view/js/jsdate":  {},
	"store/view/js/jstext":  {},
	"store/replicate":       {"store", "store/couchpath", "store/ejson"},
	"store/zgzip":           {},
	"store/couchpath":       {},
	"store/headers":         {"store"},
	"store/couchapi":        {"store", "store/couchpath", "store/ejson", "store/intake", "store/engine", "store/headers", "store/inproc", "store/zgzip", "store/mango", "store/password", "store/rewrite", "store/uuids", "store/view", "store/view/js", "store/viewopts"},
	"store/viewopts":        {"store", "store/ejson", "store/mango"},
	"store/inproc":          {"store"},
	"store/couch":           {"store"},
	"designdocs":            {"store", "store/ejson"},
	"reports":               {"store", "internal/when"},
	"internal/admin":        {"store", "proxy/token"},
	"internal/arch":         {},
	"internal/backup":       {"store"},
	"internal/bench":        {"internal/demo", "internal/storebench"},
	"internal/senders":      {},
	"internal/storebench":   {"store", "store/couch", "store/ejson", "designdocs", "reports", "internal/app", "internal/config", "internal/when"},
	"internal/clients":      {},
	"internal/config":       {},
	"internal/demo":         {},
	"internal/fauxton":      {},
	"internal/fuzzall":      {},
	"internal/growth":       {},
	"internal/identity":     {"store", "proxy/ca"},
	"internal/lines":        {},
	"internal/pipes":        {},
	"internal/tap":          {},
	"internal/torture":      {},
	"internal/terminal":     {"internal/lines"},
	"internal/when":         {},
}

// owners tells which packages may import a third-party module.
var owners = map[string][]string{
	"github.com/BurntSushi/toml":              {"format/preset", "proxy/lines", "proxy/tenants"},
	"github.com/golang/snappy":                {"proxy/lines"},
	"google.golang.org/protobuf":              {"proxy/lines"},
	"github.com/cockroachdb/pebble/v2":        {"store/engine"},
	"github.com/dlclark/regexp2/v2":           {"store/mango", "store/view/js"},
	"github.com/dop251/goja":                  {"store/view/js", "store/view/js/plain"},
	"github.com/go-kivik/kivik/v4":            {"store/couch"},
	"github.com/gorilla/mux":                  {"store/couchapi"},
	"github.com/olekukonko/tablewriter":       {"reports"},
	"github.com/oschwald/maxminddb-golang/v2": {"format/geoip"},
	"github.com/spf13/cobra":                  {"cmd"},
	"github.com/spf13/pflag":                  {"cmd"}, // cobra's flags
	"golang.org/x/crypto":                     {"proxy"},
	"golang.org/x/term":                       {"internal/terminal"},
	"golang.org/x/text":                       {"store/view/collate", "store/view/reduce"},
	"github.com/rogpeppe/go-internal":         {}, // tests only
	"go.yaml.in/yaml/v3":                      {}, // tests only
	"github.com/klauspost/compress":           {"internal/backup", "internal/lines"},
	"golang.org/x/sys":                        {"ship/cut", "ship/kernel", "ship/tail"},
	"github.com/ulikunitz/xz":                 {"internal/lines"},
	"github.com/google/go-cmp":                {},
}

const (
	maxFile    = 500  // lines of a file, tests aside
	maxPackage = 5000 // lines of a package, tests aside
)

// larger are packages that may grow beyond maxPackage.
var larger = map[string]int{
	"store/engine":   8000, // all that is under one write lock and in one log; what can stand alone is below it
	"cmd":            8200, // one file a subcommand: nothing below needs them
	"store/couchapi": 9500, // CouchDB's whole API, one file a resource: nothing in it is of use without the rest
}

// source is one parsed Go file of the module.
type source struct {
	path, pkg string
	test      bool
	lines     int
	file      *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		all = append(all, source{
			path: filepath.ToSlash(rel), pkg: path.Dir(filepath.ToSlash(rel)), test: strings.HasSuffix(name, "_test.go"),
			lines: fset.File(f.Pos()).LineCount(), file: f,
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d files", len(all))
	}
	return all
}

func imports(f *ast.File) []string {
	var paths []string
	for _, spec := range f.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

func TestImportsGoDown(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		allowed, known := mayImport[s.pkg]
		if !known {
			t.Errorf("%s: package %s is neither in this test's table nor, so, in ARCHITECTURE.md", s.path, s.pkg)
			continue
		}
		for _, p := range imports(s.file) {
			ours, ok := strings.CutPrefix(p, module+"/")
			if !ok || s.test || slices.Contains(allowed, ours) {
				continue
			}
			if !slices.Contains(allowed, "*") || ours == "cmd" {
				t.Errorf("%s imports %s, which %s may not", s.path, ours, s.pkg)
			}
		}
	}
}

func TestModulesHaveOwners(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, p := range imports(s.file) {
			if s.test || !strings.Contains(strings.SplitN(p, "/", 2)[0], ".") {
				continue
			}
			owner := ""
			for m := range owners {
				if p == m || strings.HasPrefix(p, m+"/") {
					owner = m
				}
			}
			if owner == "" {
				t.Errorf("%s imports %s, a module without an owner", s.path, p)
			} else if !slices.Contains(owners[owner], s.pkg) {
				t.Errorf("%s imports %s, which belongs to %v", s.path, p, owners[owner])
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	t.Parallel()
	comments := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		n := 0
		if s.file.Doc != nil {
			n = 1
		}
		comments[s.pkg] += n
	}
	for pkg, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want one", pkg, n)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	packages := map[string]int{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		packages[s.pkg] += s.lines
		if s.lines > maxFile {
			t.Errorf("%s has %d lines, more than %d", s.path, s.lines, maxFile)
		}
	}
	for pkg, n := range packages {
		if n > maxPackage && n > larger[pkg] {
			t.Errorf("package %s has %d lines, more than %d", pkg, n, maxPackage)
		}
	}
}

// TestArchitectureNamesPackages holds the table in ARCHITECTURE.md against the packages that there are.
func TestArchitectureNamesPackages(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t) {
		if !strings.Contains(string(text), "`"+s.pkg+"`") {
			t.Errorf("ARCHITECTURE.md does not name package `%s`", s.pkg)
		}
	}
	for m, pkgs := range owners {
		if len(pkgs) > 0 && !strings.Contains(string(text), m) {
			t.Errorf("ARCHITECTURE.md does not give the reason for module %s", m)
		}
	}
}
