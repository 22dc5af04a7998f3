package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	t.Parallel()
	file := write(t, "# where\nLOGCTL_URL=https://file\nLOGCTL_USER = \"reader\"\n\nLOGCTL_DATA=/file\n")
	c, err := Load(Config{Data: "/flag"}, env(map[string]string{
		"LOGCTL_CONFIG": file, "LOGCTL_URL": "https://env", "LOGCTL_DATA": "/env",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Config{Data: "/flag", URL: "https://env", User: "reader"}); c != want {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

// TestWhoAsksIsSaidOnce: a token on the command line is not joined by an account from the environment, and so on.
func TestWhoAsksIsSaidOnce(t *testing.T) {
	t.Parallel()
	const user, token = "LOGCTL_USER", "LOGCTL_TOKEN_FILE"
	for _, tt := range []struct {
		flags    Config
		env      map[string]string
		file     string
		wantUser string
		wantFile string
	}{
		{Config{TokenFile: "/flag"}, map[string]string{user: "env"}, user + "=file", "", "/flag"},
		{Config{User: "flag"}, map[string]string{token: "/env"}, token + "=/file", "flag", ""},
		{Config{}, map[string]string{token: "/env"}, user + "=file", "", "/env"},
		{Config{}, map[string]string{user: "env"}, token + "=/file", "env", ""},
		{Config{}, nil, token + "=/file", "", "/file"},
		{Config{}, map[string]string{user: "env", token: "/env"}, "", "env", "/env"},
	} {
		vars := map[string]string{"LOGCTL_CONFIG": write(t, tt.file)}
		for name, value := range tt.env {
			vars[name] = value
		}
		c, err := Load(tt.flags, env(vars))
		if err != nil || c.User != tt.wantUser || c.TokenFile != tt.wantFile {
			t.Errorf("%+v, %v, %q: %+v, %v", tt.flags, tt.env, tt.file, c, err)
		}
		if tt.flags == (Config{}) {
			continue
		}
		if all, err := Environ(tt.flags, env(vars)); err != nil || len(all) != 2 {
			t.Errorf("Environ(%+v) is %q, %v", tt.flags, all, err)
		}
	}
}

func TestFileMistakesNameTheLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"LOGCTL_URL=x\nLOGCTL_PASSWORD=secret\n", "LOGCTL_URL=x\nnonsense\n"} {
		_, err := Load(Config{}, env(map[string]string{"LOGCTL_CONFIG": write(t, text)}))
		if err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: got %v, want an error that names line 2", text, err)
		}
	}
	if _, err := Load(Config{}, env(map[string]string{"LOGCTL_CONFIG": "/nonexistent/f"})); err == nil {
		t.Error("a file asked for that is missing passes")
	}
}

func TestDefaultData(t *testing.T) {
	t.Parallel()
	c, err := Load(Config{}, env(map[string]string{"XDG_DATA_HOME": "/xdg", "XDG_CONFIG_HOME": "/nonexistent"}))
	if err != nil || c.Data != "/xdg/logctl" {
		t.Errorf("got %q, %v", c.Data, err)
	}
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"s3cret\n": "s3cret", "s3cret": "s3cret", " a b\r\nrest": " a b"} {
		if got, err := ReadSecret(write(t, text)); err != nil || got != want {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	if _, err := ReadSecret(write(t, "\n")); err == nil {
		t.Error("an empty password passes")
	}
}

func TestPresetFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	getenv := env(map[string]string{"XDG_CONFIG_HOME": dir})
	if got := (Config{}).PresetFile(getenv); got != "" {
		t.Errorf("absent: %q", got)
	}
	usual := filepath.Join(dir, "logctl", "presets.toml")
	if err := os.MkdirAll(filepath.Dir(usual), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(usual, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := (Config{}).PresetFile(getenv); got != usual {
		t.Errorf("got %q, want %q", got, usual)
	}
	if got := (Config{Presets: "/absent"}).PresetFile(getenv); got != "/absent" {
		t.Errorf("named: %q", got)
	}
}
