package js

import (
	"slices"
	"strings"

	"github.com/dop251/goja"
)

// limitRegExp checks what makes regular expressions of texts: the constructor, and methods that are given a text instead of one.
func (m *machine) limitRegExp() {
	m.limitConstructor("RegExp", "SyntaxError", m.checkPattern)
	check := func(_ string, c *goja.FunctionCall) string { return m.checkPattern(c.Arguments) }
	m.limitMethods("RegExp", []string{"compile"}, check)
	m.limitMethods("String", []string{"match", "matchAll", "search"}, check)
}

// checkPattern checks the text of a regular expression that is the first of some arguments. Where it is an object that becomes a text, that
// text takes its place.
func (m *machine) checkPattern(args []goja.Value) string {
	if len(args) == 0 || goja.IsUndefined(args[0]) {
		return ""
	}
	if o, ok := args[0].(*goja.Object); ok {
		if o.ClassName() == "RegExp" {
			return ""
		}
		args[0] = o.ToString()
	}
	return checkPattern(args[0].String())
}

func checkPattern(pattern string) string {
	if len(pattern) > maxSource || strings.Count(pattern, "(") > maxGroups {
		return "regular expression too large"
	}
	return ""
}

// pin makes texts and numbers of the receiver and the arguments of a method of strings, as the method does: what becomes them by a function
// might become something else the second time. Functions stay.
func (m *machine) pin(c *goja.FunctionCall, kinds ...func(goja.Value) goja.Value) {
	if !goja.IsUndefined(c.This) && !goja.IsNull(c.This) {
		c.This = toText(c.This)
	}
	c.Arguments = slices.Clone(c.Arguments)
	for i := range min(len(kinds), len(c.Arguments)) {
		if o, ok := c.Arguments[i].(*goja.Object); ok && kinds[i] != nil && o.ClassName() != "Function" {
			c.Arguments[i] = kinds[i](o)
		}
	}
}

func toText(v goja.Value) goja.Value   { return v.ToString() }
func toNumber(v goja.Value) goja.Value { return v.ToNumber() }

// textLen is how many characters v has as a text.
func textLen(v goja.Value) float64 {
	if s, ok := v.(goja.String); ok {
		return float64(s.Length())
	}
	return float64(len(v.String()))
}

func (m *machine) checkPadding(name string, c *goja.FunctionCall) string {
	m.pin(c, toNumber, toText)
	size := c.Argument(0).ToFloat()
	if name == "repeat" {
		size *= textLen(c.This)
	}
	if size > maxStringLen {
		return reasonString
	}
	return ""
}

// checkConcat looks at the length of texts that become one.
func (m *machine) checkConcat(_ string, c *goja.FunctionCall) string {
	kinds := make([]func(goja.Value) goja.Value, len(c.Arguments))
	for i := range kinds {
		kinds[i] = toText
	}
	m.pin(c, kinds...)
	size := textLen(c.This)
	for _, a := range c.Arguments {
		size += textLen(a)
	}
	if size > maxStringLen {
		return reasonString
	}
	return ""
}

// checkRaw looks at the length of what String.raw makes of an object's raw texts and of others between them.
func (m *machine) checkRaw(o *goja.Object, between []goja.Value) string {
	raw := o.Get("raw")
	if reason := tooLong(m.lengthOf(raw)); reason != "" {
		return reason
	}
	b := &budget{parts: maxArrayLen, bytes: maxStringLen}
	for _, v := range append(slices.Clone(between), raw) {
		if v != nil && !m.fits(v, b) {
			return reasonString
		}
	}
	return ""
}

// checkReplace bounds what a replacement may make if everything is replaced. What a reference such as $& stands for is all of the text once,
// if the matches lie side by side, and at each place if it is what is before or behind a match, or was looked at ahead.
func (m *machine) checkReplace(_ string, c *goja.FunctionCall) string {
	m.pin(c, nil, toText)
	by, ok := c.Argument(1).(goja.String)
	if !ok {
		return ""
	}
	length, each := textLen(c.This), textLen(by)
	refs := float64(strings.Count(by.String(), "$")) * length
	if pattern, ok := c.Argument(0).(*goja.Object); strings.Contains(by.String(), "$`") || strings.Contains(by.String(), "$'") ||
		ok && strings.Contains(pattern.String(), "(?") {
		each += refs
	}
	if (length+1)*each+refs > 8*maxStringLen {
		return reasonString
	}
	return ""
}
