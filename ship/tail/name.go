package tail

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"logctl/internal/lines"
)

// What rotation adds to the name of a log: x.log.2, x.log-20260131, x-20260131.log; compressing adds more.
var (
	afterName  = regexp.MustCompile(`^(.+?)[-.](\d[\d.-]*)$`)
	withinName = regexp.MustCompile(`^(.+?)[-.](\d{6}[\d.-]*)(\.[A-Za-z]+)$`)
)

// rotation splits what rotation has added off a path. age orders the files of a log, 0 for the log itself, more for older ones.
func rotation(path string) (log string, age int) {
	dir, name := filepath.Split(lines.TrimPacked(path))
	digits := ""
	if m := afterName.FindStringSubmatch(name); m != nil {
		name, digits = m[1], m[2]
	} else if m := withinName.FindStringSubmatch(name); m != nil {
		name, digits = m[1]+m[3], m[2]
	} else {
		return dir + name, 0
	}
	const afterAnyDate = 1 << 62
	n, err := strconv.ParseUint(strings.Map(onlyDigits, digits), 10, 61)
	switch {
	case err != nil:
		return dir + name, afterAnyDate
	case len(digits) < 6:
		return dir + name, int(n) + 1 // x.log.0 is older than x.log
	}
	return dir + name, afterAnyDate - int(n)
}

// spelling is a path and what rotation tells of it, which takes a while to find out.
type spelling struct {
	path string
	log  string // absolute
	age  int
}

// of is the spelling of a path, found out again only if it was another's before.
func (s *spelling) of(path string) *spelling {
	if s.path != path {
		s.path = path
		s.log, s.age = rotation(absolute(path))
	}
	return s
}

func onlyDigits(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// isRotated tells whether a path looks like one that rotation has made.
func isRotated(path string) bool {
	_, age := rotation(path)
	return age > 0 || lines.TrimPacked(path) != path
}
