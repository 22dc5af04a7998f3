package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEnviron(t *testing.T) {
	t.Parallel()
	cwd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Environ(Config{Data: "d", User: "writer"}, env(map[string]string{
		"LOGCTL_DATA": "/env", "LOGCTL_URL": "https://env", "LOGCTL_PASSWORD_FILE": "pw", "XDG_CONFIG_HOME": "/config", "OTHER": "x",
	}))
	want := []string{
		"XDG_CONFIG_HOME=/config", "LOGCTL_DATA=" + filepath.Join(cwd, "d"), "LOGCTL_URL=https://env", "LOGCTL_USER=writer",
		"LOGCTL_PASSWORD_FILE=" + filepath.Join(cwd, "pw"),
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := Environ(Config{}, env(nil)); err != nil || len(got) > 0 {
		t.Errorf("nothing said: %q, %v", got, err)
	}
}
