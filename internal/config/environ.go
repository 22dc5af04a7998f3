package config

import (
	"path/filepath"
	"strings"
)

// Environ is what flags and environment say, as NAME=value: a command that has it in its environment, wherever it runs,
// finds the same file and the same settings. Relative paths become absolute. What the file says is not in it.
func Environ(flags Config, getenv func(string) string) ([]string, error) {
	var env []string
	add := func(name, value string, isPath bool) error {
		if value == "" {
			return nil
		}
		if isPath {
			var err error
			if value, err = filepath.Abs(value); err != nil {
				return err
			}
		}
		env = append(env, name+"="+value)
		return nil
	}
	for _, name := range []string{"LOGCTL_CONFIG", "XDG_CONFIG_HOME", "XDG_DATA_HOME"} {
		if err := add(name, getenv(name), true); err != nil {
			return nil, err
		}
	}
	named := flags.User != "" || flags.TokenFile != ""
	for _, s := range settings {
		value := *s.field(&flags)
		if value == "" && !(named && (s.env == "LOGCTL_USER" || s.env == "LOGCTL_TOKEN_FILE")) {
			value = getenv(s.env)
		}
		if err := add(s.env, value, s.env == "LOGCTL_DATA" || s.env == "LOGCTL_PRESETS" || strings.HasSuffix(s.env, "_FILE")); err != nil {
			return nil, err
		}
	}
	return env, nil
}
