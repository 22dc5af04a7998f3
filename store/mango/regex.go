package mango

import (
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// pattern is a regular expression: Go's own engine takes most, in linear time; those that look around or refer back go to
// one that backtracks, in bounded time.
type pattern struct {
	linear    *regexp.Regexp
	backtrack *regexp2.Regexp
	size      int // how many steps a character of a text may cost: of linear see regexSize, of backtrack always worth a look at the clock
}

// maxAtOnce is how many steps may be taken without a look at the clock: most of a second.
const maxAtOnce = 1 << 26

// regexTimeout bounds one match of an expression that backtracks. One that takes longer does not match, as one that meets
// the limits of CouchDB's engine.
const regexTimeout = 200 * time.Millisecond

// maxRegex bounds the size of all regular expressions of a selector: Go's engine writes repetitions out, 1,000 at most of each, so that
// few bytes may become a hundred megabytes.
const maxRegex = 100_000

// regexSize is about how many instructions an expression becomes; bytes of one that Go's engine does not take.
func regexSize(src string) int {
	re, err := syntax.Parse(src, syntax.Perl)
	if err != nil {
		return len(src)
	}
	return instructions(re)
}

func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1
	}
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return n
}

func compileRegex(src string, size int) (pattern, error) {
	if re, err := regexp.Compile(src); err == nil {
		return pattern{linear: re, size: size}, nil
	}
	re, err := regexp2.Compile(src)
	if err != nil {
		return pattern{}, err
	}
	re.MatchTimeout = regexTimeout
	return pattern{backtrack: re, size: lookEvery}, nil
}

func (p pattern) match(s string, e *effort) bool {
	switch {
	case !e.spend(len(s) * p.size):
		return false
	case p.linear == nil:
		ok, err := p.backtrack.MatchString(s)
		return ok && err == nil
	case len(s) > maxAtOnce/p.size:
		return p.linear.MatchReader(&watchedText{strings.NewReader(s), e, p.size})
	}
	return p.linear.MatchString(s)
}

// watchedText is a text that ends with the run that reads it.
type watchedText struct {
	*strings.Reader
	e    *effort
	cost int // of each character
}

// ReadRune implements io.RuneReader.
func (t *watchedText) ReadRune() (r rune, size int, err error) {
	if !t.e.spend(t.cost) {
		return 0, 0, io.EOF
	}
	return t.Reader.ReadRune()
}
