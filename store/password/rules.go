package password

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Rules are what passwords must match, each a regular expression with the reason that is given to who offers one that does not.
type Rules []rule

type rule struct {
	pattern *regexp.Regexp
	reason  string
}

// ParseRules reads CouchDB's setting password_regexp: an Erlang list of texts and of tuples of a text and a reason, as in
// [{".{10,}", "Ten characters."}, "[0-9]"]. Texts may have JSON's escapes, which are most of Erlang's.
func ParseRules(setting string) (Rules, error) {
	setting = strings.TrimSpace(setting)
	if setting == "" {
		return nil, nil
	}
	if setting[0] != '[' {
		return nil, errors.New("rules of passwords: not a list")
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(tuplesAsLists(setting)), &list); err != nil {
		return nil, fmt.Errorf("rules of passwords: %w", err)
	}
	rules := make(Rules, len(list))
	for i, raw := range list {
		texts := []string{""}
		if json.Unmarshal(raw, &texts[0]) != nil {
			if err := json.Unmarshal(raw, &texts); err != nil || len(texts) < 1 || len(texts) > 2 {
				return nil, fmt.Errorf("rules of passwords: the %d. is neither a text nor a tuple of one or two", i+1)
			}
		}
		pattern, err := regexp.Compile(texts[0])
		if err != nil {
			return nil, fmt.Errorf("rules of passwords: %w", err)
		}
		rules[i].pattern = pattern
		if len(texts) == 2 {
			rules[i].reason = texts[1]
		}
	}
	return rules, nil
}

// tuplesAsLists has the brackets of a list for the braces of each tuple; those within texts stay.
func tuplesAsLists(term string) string {
	out := []byte(term)
	quoted := false
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case !quoted && c == '{':
			out[i] = '['
		case !quoted && c == '}':
			out[i] = ']'
		}
	}
	return string(out)
}

// Broken is the reason of the first rule that a password does not keep to; ok if it keeps to all.
func (r Rules) Broken(password string) (reason string, ok bool) {
	for _, rule := range r {
		if !rule.pattern.MatchString(password) {
			return rule.reason, false
		}
	}
	return "", true
}
