package learn

import (
	"strings"

	"logctl/format"
	"logctl/format/timefmt"
)

// timeRule is how the schemas of a sample take the header's time.
type timeRule struct {
	column int      // of the header
	fields []string // the captures that it is made of; nil: none
	layout string   // as in --time-layout; "" for what is well known
	rule   *format.Time
}

// layouts are those of times that are not well known, as programs have made them up.
var layouts = [...]string{
	"%y%m%d %H%M%S", "%Y%m%d-%k:%-M:%-S:%f", "%Y-%m-%d-%H.%M.%S.%f", "%y/%m/%d %H:%M:%S", "%m-%d %H:%M:%S.%f", "%m.%d %H:%M:%S", "%m/%d %H:%M:%S", "%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S",
	"%d.%m.%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%m/%d/%y %H:%M:%S", "%Y-%m-%d-%H:%M:%S", "%Y%m%d-%H:%M:%S", "%Y%m%d%H%M%S",
}

// maxTimes is how many times a rule is found with.
const maxTimes = 500

// findTime finds out which column of the header is the time and how it is written: the first one that says the day and
// the time.
func (p *proposer) findTime() timeRule {
	h := p.table.header
	for c, column := range h.columns {
		if column.kind != stampColumn {
			continue
		}
		var values []string
		for _, line := range spread(p.lines, maxTimes) {
			if pieces, _ := h.parse(line, nil); len(pieces) > c {
				values = append(values, string(line[pieces[c].start:pieces[c].end]))
			}
		}
		if rule, ok := ruleFor(values); ok {
			rule.column = c
			return rule
		}
	}
	return timeRule{column: -1}
}

// ruleFor is the rule for times, if they are all written in a way that is well known or one of layouts.
func ruleFor(values []string) (timeRule, bool) {
	if len(values) == 0 {
		return timeRule{}, false
	}
	if all(values, func(v string) bool { return timefmt.Prefix([]byte(v)) == len(v) }) {
		return newRule([]string{"time"}, "")
	}
	for _, layout := range layouts {
		l, err := timefmt.New(layout)
		if err != nil {
			continue
		}
		if all(values, func(v string) bool { _, ok := l.Parse([]byte(v)); return ok }) {
			if strings.Contains(layout, " ") {
				return newRule([]string{"date", "hour"}, layout)
			}
			return newRule([]string{"time"}, layout)
		}
	}
	return timeRule{}, false
}

func newRule(fields []string, layout string) (timeRule, bool) {
	rule, err := format.NewTime(fields, layout, "UTC")
	return timeRule{fields: fields, layout: layout, rule: rule}, err == nil
}

func all(values []string, is func(string) bool) bool {
	for _, v := range values {
		if !is(v) {
			return false
		}
	}
	return true
}
