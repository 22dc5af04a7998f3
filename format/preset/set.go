package preset

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
)

//go:embed builtin/*.toml
var builtin embed.FS

// Set is the presets that there are.
type Set struct {
	byName   map[string]*Definition
	replaced map[string]bool // built-in ones that a file has replaced
	names    []string        // sorted

	candidates func() ([]*Parser, error) // of Choose, made when they are first asked for
}

// Load gives the built-in presets and, over them, those of files, the later over the earlier. Errors in a file are *Error.
func Load(files ...string) (*Set, error) {
	s := &Set{byName: map[string]*Definition{}, replaced: map[string]bool{}}
	own, err := fs.Glob(builtin, "builtin/*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range own {
		text, err := builtin.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := s.add("", text); err != nil {
			return nil, err
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read presets: %w", err)
		}
		if err := s.add(file, text); err != nil {
			return nil, err
		}
	}
	for name := range s.byName {
		s.names = append(s.names, name)
	}
	slices.Sort(s.names)
	s.candidates = sync.OnceValues(s.findCandidates)
	return s, s.checkReferences()
}

// add adds a file's presets.
func (s *Set) add(file string, text []byte) error {
	all, err := decode(file, text)
	if err != nil {
		return err
	}
	for _, d := range all {
		if old := s.byName[d.Name]; old != nil && old.File == "" && file != "" {
			s.replaced[d.Name] = true
		}
		s.byName[d.Name] = d
	}
	return nil
}

// checkReferences refuses presets that name others that there are not, or that go round in a circle.
func (s *Set) checkReferences() error {
	for _, name := range s.names {
		d := s.byName[name]
		for _, other := range append(slices.Clone(d.Inside), d.Include...) {
			if s.byName[other] == nil {
				return d.fail("there is no preset %q for it to be inside of or to include", other)
			}
		}
		if s.circular(d, nil) {
			return d.fail("it is inside of itself, or includes itself")
		}
	}
	return nil
}

func (s *Set) circular(d *Definition, above []string) bool {
	if slices.Contains(above, d.Name) {
		return true
	}
	above = append(above, d.Name)
	for _, other := range append(slices.Clone(d.Inside), d.Include...) {
		if s.circular(s.byName[other], above) {
			return true
		}
	}
	return false
}

// Names are the presets' names, sorted.
func (s *Set) Names() []string { return s.names }

// Definition is the preset of that name. The error is a *NameError.
func (s *Set) Definition(name string) (*Definition, error) {
	if d := s.byName[name]; d != nil {
		return d, nil
	}
	return nil, &NameError{Name: name, Nearest: s.nearest(name)}
}

// Replaces tells whether the preset of that name stands in a file and takes the place of a built-in one.
func (s *Set) Replaces(name string) bool { return s.replaced[name] }
