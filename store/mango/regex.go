package mango

import (
	"regexp"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// pattern is a regular expression: Go's own engine takes most, in linear time; those that look around or refer back go to
// one that backtracks, in bounded time.
type pattern struct {
	linear    *regexp.Regexp
	backtrack *regexp2.Regexp
}

// regexTimeout bounds one match of an expression that backtracks. One that takes longer does not match, as one that meets
// the limits of CouchDB's engine.
const regexTimeout = 200 * time.Millisecond

func compileRegex(src string) (pattern, error) {
	if re, err := regexp.Compile(src); err == nil {
		return pattern{linear: re}, nil
	}
	re, err := regexp2.Compile(src)
	if err != nil {
		return pattern{}, err
	}
	re.MatchTimeout = regexTimeout
	return pattern{backtrack: re}, nil
}

func (p pattern) match(s string) bool {
	if p.linear != nil {
		return p.linear.MatchString(s)
	}
	ok, err := p.backtrack.MatchString(s)
	return ok && err == nil
}
