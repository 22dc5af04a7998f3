// Package config holds the settings that every command shares: where the store is and who asks. Flags win over the
// environment (LOGCTL_…), which wins over a file of the same LOGCTL_NAME=value lines.
//
// The file is $LOGCTL_CONFIG or, where that is not set, $XDG_CONFIG_HOME/logctl.conf (~/.config/logctl.conf), for root
// /etc/logctl.conf. No setting holds a secret: a password or a token stands in a file that is named. An account and a token
// are two ways to say who asks, so that either, where it is said first, keeps the other out.
package config

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Config is where the store is and who asks.
type Config struct {
	Data         string // directory of the embedded store
	URL          string // a logctl serve or a CouchDB; "" means the data directory
	User         string // who signs in at URL; "" means nobody
	PasswordFile string // where User's password stands
	TokenFile    string // where an app token for URL stands; "" means none
	CertFile     string // a client's certificate for URL, in PEM; "" means none
	KeyFile      string // its key; "" means that it is in CertFile, too
	CAFile       string // roots in PEM that are trusted at URL besides the system's
	Presets      string // file of the user's own presets; see PresetFile
}

// setting binds a name in the environment and a flag to a field.
type setting struct {
	env, flag, help string
	field           func(*Config) *string
}

var settings = [...]setting{
	{"LOGCTL_DATA", "data", "directory of the embedded store, by default /var/lib/logctl for root, else ~/.local/share/logctl", func(c *Config) *string { return &c.Data }},
	{"LOGCTL_URL", "url", "a logctl serve or a CouchDB to use instead of the data directory", func(c *Config) *string { return &c.URL }},
	{"LOGCTL_USER", "user", "account to sign in with at --url", func(c *Config) *string { return &c.User }},
	{"LOGCTL_PASSWORD_FILE", "password-file", "file with the password of --user", func(c *Config) *string { return &c.PasswordFile }},
	{"LOGCTL_TOKEN_FILE", "token-file", "file with an app token to use at --url", func(c *Config) *string { return &c.TokenFile }},
	{"LOGCTL_CERT_FILE", "cert-file", "file with a client's certificate to show at --url, as logctl join gets one", func(c *Config) *string { return &c.CertFile }},
	{"LOGCTL_KEY_FILE", "key-file", "file with the key of --cert-file, by default the same", func(c *Config) *string { return &c.KeyFile }},
	{"LOGCTL_CA_FILE", "ca-file", "file with root certificates to trust at --url besides the system's", func(c *Config) *string { return &c.CAFile }},
	{"LOGCTL_PRESETS", "presets", "file of your own presets, by default /etc/logctl/presets.toml for root, else ~/.config/logctl/presets.toml", func(c *Config) *string { return &c.Presets }},
}

// Each calls bind for every setting with the name of its flag, a help text and the field to set.
func (c *Config) Each(bind func(flag, help string, field *string)) {
	for _, s := range settings {
		bind(s.flag, s.help+" ($"+s.env+")", s.field(c))
	}
}

// Load completes flags with the environment and the file, and fills in the default data directory.
func Load(flags Config, getenv func(string) string) (Config, error) {
	file, err := readFile(getenv)
	if err != nil {
		return Config{}, err
	}
	c := flags
	for _, from := range []func(string) string{getenv, func(name string) string { return file[name] }} {
		user, token := c.User, c.TokenFile
		for _, s := range settings {
			if f := s.field(&c); *f == "" {
				*f = from(s.env)
			}
		}
		if user != "" || token != "" { // who asks is said already
			c.User, c.TokenFile = user, token
		}
	}
	if c.Data == "" {
		if c.Data, err = defaultData(getenv); err != nil {
			return Config{}, err
		}
	}
	return c, nil
}

// defaultData is /var/lib/logctl for root and $XDG_DATA_HOME/logctl (~/.local/share/logctl) for everybody else; a root
// that sets XDG_DATA_HOME means it.
func defaultData(getenv func(string) string) (string, error) {
	if dir := getenv("XDG_DATA_HOME"); dir != "" {
		return filepath.Join(dir, "logctl"), nil
	}
	if os.Geteuid() == 0 {
		return "/var/lib/logctl", nil
	}
	home := getenv("HOME")
	if home == "" {
		return "", errors.New("no data directory: set --data, LOGCTL_DATA or HOME")
	}
	return filepath.Join(home, ".local", "share", "logctl"), nil
}

// PresetFile is the file of the user's own presets: the setting or, where that is not set, $XDG_CONFIG_HOME/logctl/presets.toml
// (~/.config/logctl/presets.toml), for root /etc/logctl/presets.toml, if there is one; "" means none.
func (c Config) PresetFile(getenv func(string) string) string {
	if c.Presets != "" {
		return c.Presets
	}
	dir := Dir(getenv)
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, "presets.toml")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// Dir is the directory of files that belong to the configuration: $XDG_CONFIG_HOME/logctl (~/.config/logctl), for root /etc/logctl; ""
// if there is no place for it.
func Dir(getenv func(string) string) string {
	switch dir, home := getenv("XDG_CONFIG_HOME"), getenv("HOME"); {
	case dir != "":
		return filepath.Join(dir, "logctl")
	case os.Geteuid() == 0:
		return "/etc/logctl"
	case home != "":
		return filepath.Join(home, ".config", "logctl")
	}
	return ""
}

func filePath(getenv func(string) string) (path string, wanted bool) {
	if p := getenv("LOGCTL_CONFIG"); p != "" {
		return p, true
	}
	if dir := getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "logctl.conf"), false
	}
	if os.Geteuid() == 0 {
		return "/etc/logctl.conf", false
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "logctl.conf"), false
	}
	return "", false
}

// readFile reads LOGCTL_NAME=value lines; blank lines and those that begin with # count for nothing.
func readFile(getenv func(string) string) (map[string]string, error) {
	path, wanted := filePath(getenv)
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !wanted {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	values := make(map[string]string)
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !ok || !known(name) {
			return nil, fmt.Errorf("configuration %s, line %d: want one of %s and a value, got %q", path, n, names(), line)
		}
		values[name] = strings.Trim(strings.TrimSpace(value), `"`)
	}
	return values, lines.Err()
}

func known(name string) bool {
	for _, s := range settings {
		if s.env == name {
			return true
		}
	}
	return false
}

func names() string {
	all := make([]string, len(settings))
	for i, s := range settings {
		all[i] = s.env
	}
	return strings.Join(all, ", ")
}

// Password reads the password that PasswordFile holds: its first line.
func (c Config) Password() (string, error) { return ReadSecret(c.PasswordFile) }

// Token reads the token that TokenFile holds: its first line.
func (c Config) Token() (string, error) {
	text, err := ReadSecret(c.TokenFile)
	return strings.TrimSpace(text), err
}

// ReadSecret reads a secret: the first line of a file.
func ReadSecret(path string) (string, error) {
	if path == "" {
		return "", errors.New("no file is named that holds it")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err // it says what was done, and names the file
	}
	line, _, _ := strings.Cut(string(text), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return "", fmt.Errorf("the file %s, which should hold a secret, is empty", path)
	}
	return line, nil
}
