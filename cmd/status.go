package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"logctl/store"
)

// The exit statuses.
const (
	statusDone = iota
	statusFailed
	statusUsage
	statusPartly
	statusNotAllowed
	statusTryLater
)

// kindStatus is the one table from an error's kind to an exit status; kinds that are not in it are statusFailed.
var kindStatus = map[store.Kind]int{
	store.KindUnauthorized:    statusNotAllowed,
	store.KindForbidden:       statusNotAllowed,
	store.KindUnavailable:     statusTryLater,
	store.KindTimeout:         statusTryLater,
	store.KindTooManyRequests: statusTryLater,
	store.KindNoSpace:         statusTryLater,
	store.KindLocked:          statusTryLater,
}

// statusError ends a command with a status of its own. A nil err says nothing more: the command has said it.
type statusError struct {
	status int
	err    error
	hint   string
}

func (e *statusError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.status)
	}
	return e.err.Error()
}

func (e *statusError) Unwrap() error { return e.err }

// usage marks err as a mistake in the command line.
func usage(err error) error { return &statusError{status: statusUsage, err: err} }

// usagef is usage of a formatted error.
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

// hinted adds a next step for the person at the terminal to err, keeping the status that err has.
func hinted(err error, hint string) error {
	return &statusError{status: statusOf(err), err: err, hint: hint}
}

// usageArgs makes a cobra check of positional arguments report a usage error in our words.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) == nil {
			return nil
		}
		help := c.CommandPath() + " --help"
		if c.HasSubCommands() {
			c.SuggestionsMinimumDistance = min(1+len(args[0])/6, 2) // 2: letters that changed places
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				help = fmt.Sprintf("did you mean %s? %s", strings.Join(near, " or "), help)
			}
			return hinted(usagef("unknown command %q for %q", args[0], c.CommandPath()), help)
		}
		for n := len(args) - 1; n >= 0; n-- {
			if check(c, args[:n]) == nil {
				return hinted(usagef("%q is an argument too many", args[n]), help)
			}
		}
		return hinted(usagef("an argument is missing: %s", strings.TrimSuffix(c.UseLine(), " [flags]")), help)
	}
}

// statusOf is the exit status for err.
func statusOf(err error) int {
	if err == nil {
		return statusDone
	}
	var se *statusError
	if errors.As(err, &se) {
		return se.status
	}
	var e *store.Error
	if errors.As(err, &e) {
		if s, ok := kindStatus[e.Kind]; ok {
			return s
		}
	}
	return statusFailed
}

// exitStatus writes err, and a hint where there is one, to w and gives the exit status.
func exitStatus(w io.Writer, err error) int {
	if err == nil {
		return statusDone
	}
	status := statusOf(err)
	var se *statusError
	if !errors.As(err, &se) || se.err != nil {
		fmt.Fprintf(w, "logctl: error: %s\n", oneLine(err.Error()))
	}
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(w, "logctl: hint: %s\n", oneLine(hint))
	}
	return status
}

func hintOf(err error) string {
	var se *statusError
	if errors.As(err, &se) && se.hint != "" {
		return se.hint
	}
	var e *store.Error
	if !errors.As(err, &e) {
		if errors.Is(err, fs.ErrPermission) {
			return "use an account that may: root, or, for most logs, one of the group adm"
		}
		return ""
	}
	if e.Hint == "" && e.Kind == store.KindNoSpace {
		return "make room on the disk of the store; nothing that was acknowledged is lost"
	}
	return e.Hint
}

// oneLine keeps an error on one line and free of control characters, which may come from a server or a log.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, strings.TrimSpace(s))
}
