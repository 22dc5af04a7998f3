package config

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSet(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "f")
	getenv := env(map[string]string{"LOGCTL_CONFIG": path})
	for _, c := range []struct {
		before string // "" leaves the file
		set    map[string]string
		after  string
		same   bool
	}{
		{"", map[string]string{"LOGCTL_URL": "https://a", "LOGCTL_CERT_FILE": "/c"}, "LOGCTL_CERT_FILE=/c\nLOGCTL_URL=https://a\n", false},
		{"", map[string]string{"LOGCTL_URL": "https://a"}, "LOGCTL_CERT_FILE=/c\nLOGCTL_URL=https://a\n", true},
		{"# mine\n LOGCTL_URL = \"x\"\n\nLOGCTL_USER=me", map[string]string{"LOGCTL_URL": "https://b", "LOGCTL_CA_FILE": "/r"},
			"# mine\nLOGCTL_URL=https://b\n\nLOGCTL_USER=me\nLOGCTL_CA_FILE=/r\n", false},
		{"LOGCTL_URL=x\n#LOGCTL_URL=y\nLOGCTL_URL=z\n", map[string]string{"LOGCTL_URL": "w"}, "LOGCTL_URL=w\n#LOGCTL_URL=y\n", false},
	} {
		if c.before != "" {
			if err := os.WriteFile(path, []byte(c.before), 0o640); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o640); err != nil {
				t.Fatal(err)
			}
		}
		where, changed, err := Set(getenv, c.set)
		if err != nil || where != path || changed == c.same {
			t.Errorf("%v: %s %v, %v", c.set, where, changed, err)
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != c.after {
			t.Errorf("%v: got %q, %v, want %q", c.set, text, err, c.after)
		}
		if info, err := os.Stat(path); c.before != "" && (err != nil || info.Mode().Perm() != 0o640) {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
	if _, err := Load(Config{}, getenv); err != nil {
		t.Error(err)
	}
	if _, _, err := Set(env(nil), nil); os.Geteuid() != 0 && err == nil {
		t.Error("no file, and no error")
	}
}
