package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Set changes settings, by their LOGCTL_ names, in the configuration file and gives its path. The other lines of the file stay as they are; changed is
// false if it says the same already. The file is replaced as a whole.
func Set(getenv func(string) string, values map[string]string) (path string, changed bool, err error) {
	path, _ = filePath(getenv)
	if path == "" {
		return "", false, errors.New("no configuration file: set LOGCTL_CONFIG or HOME")
	}
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read configuration: %w", err)
	}
	edited := setLines(string(old), values)
	if edited == string(old) {
		return path, false, nil
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	return path, true, replace(path, edited, mode)
}

// setLines puts values into a configuration's text: in the place of the line that sets the same, or at the end, by name.
func setLines(text string, values map[string]string) string {
	var out strings.Builder
	done := map[string]bool{}
	for line := range strings.Lines(text) {
		name, _, ok := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		value, wanted := values[name]
		switch {
		case !ok || !wanted:
			out.WriteString(line)
		case !done[name]:
			done[name] = true
			out.WriteString(name + "=" + value + "\n")
		}
	}
	if s := out.String(); s != "" && !strings.HasSuffix(s, "\n") {
		out.WriteByte('\n')
	}
	var names []string
	for name := range values {
		if !done[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		out.WriteString(name + "=" + values[name] + "\n")
	}
	return out.String()
}

func replace(path, text string, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	f, err := os.CreateTemp(dir, ".logctl.conf.*")
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
