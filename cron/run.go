package cron

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"logctl/store"
)

// commandError is a program that ran and did not succeed.
type commandError struct {
	name string
	said string // on its standard error
	err  error
}

func (e *commandError) Error() string {
	if e.said == "" {
		return e.name + ": " + e.err.Error()
	}
	return e.name + ": " + e.said
}

func (e *commandError) Unwrap() error { return e.err }

// run runs a program of the system with in on its standard input and gives its standard output.
func run(ctx context.Context, in, name string, args ...string) (string, error) {
	var out, said bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(in), &out, &said
	c.Env = append(os.Environ(), "LC_ALL=C")
	err := c.Run()
	if errors.Is(err, exec.ErrNotFound) {
		hint := "logctl cron print, with --systemd or without, shows what to schedule by other means"
		if name == "crontab" {
			hint = "--systemd means a timer of systemd's instead; " + hint
		}
		return "", &store.Error{Kind: store.KindNotFound, Reason: fmt.Sprintf("there is no %s on this machine", name), Hint: hint}
	}
	if err != nil {
		return "", &commandError{name: name + " " + strings.Join(args, " "), said: strings.TrimSpace(said.String()), err: err}
	}
	return out.String(), nil
}
