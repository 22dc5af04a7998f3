// Package terminal is about the person at a terminal: whether there is one, how wide the window is, secrets that are typed and not
// shown, and a line that tells how far a run is.
package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
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
// "" is none.
func AskSecret(in io.Reader, talk io.Writer, prompt string) (string, error) {
	if f, ok := in.(*os.File); ok && Is(f) {
		fmt.Fprintf(talk, "%s: ", prompt)
		typed, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(talk)
		if err != nil {
			return "", fmt.Errorf("read from the terminal: %w", err)
		}
		return string(typed), nil
	}
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
