// Package terminal is about the person at a terminal: whether there is one, how wide the window is, secrets that are typed and not
// shown, and a line that tells how far a run is.
package terminal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"logctl/internal/lines"
)

// Is tells whether a person may be looking at stream, or typing what it gives: it is a character device, but not the null device.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// Width is the width of the terminal that w is, in characters; 0 if it is none.
func Width(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// AskSecret reads a secret: from a terminal after a prompt, which goes to talk, and without showing it, else the first line of in.
// "" is none. It ends with ctx, and then the terminal is as it was.
func AskSecret(ctx context.Context, in io.Reader, talk io.Writer, prompt string) (string, error) {
	if f, ok := in.(*os.File); ok && Is(f) {
		fmt.Fprintf(talk, "%s: ", prompt)
		defer fmt.Fprintln(talk)
		return readPassword(ctx, int(f.Fd()))
	}
	line, err := bufio.NewReader(io.LimitReader(lines.Until(ctx, in), 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

// readPassword leaves behind a read that nothing ends but a key, if ctx ends first; the process is then about to.
func readPassword(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	done := make(chan error, 1)
	var text []byte
	go func() {
		var err error
		text, err = term.ReadPassword(fd)
		done <- err
	}()
	select {
	case <-ctx.Done():
		return "", errors.Join(lines.ErrInterrupted, term.Restore(fd, before))
	case err = <-done:
	}
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	return string(text), nil
}
