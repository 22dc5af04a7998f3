package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/lines"
)

func TestIs(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for _, stream := range []any{nil, &bytes.Buffer{}, null} {
		if Is(stream) {
			t.Errorf("%T is a terminal", stream)
		}
	}
	if w := Width(null); w != 0 {
		t.Errorf("the null device is %d wide", w)
	}
}

func TestAskSecret(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", "one": "one", "one\r\ntwo\n": "one", " two words \n": " two words "} {
		var talk bytes.Buffer
		got, err := AskSecret(t.Context(), strings.NewReader(in), &talk, "Password")
		if err != nil || got != want || talk.Len() > 0 {
			t.Errorf("AskSecret(%q) = %q, %v and said %q", in, got, err, &talk)
		}
	}
}

// A read that nobody answers ends when it is to.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := AskSecret(ctx, in, io.Discard, "Password"); !errors.Is(err, lines.ErrInterrupted) {
		t.Errorf("AskSecret: %v", err)
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := NewBar(&out)
		time.Sleep(2 * time.Second)
		b.Draw(1, 50, 0)
		b.Draw(400, 50, 100)
		b.Draw(400, 150, 100) // the file has grown
		b.Clear()
		want := "\r1 line  0 lines/s\x1b[K" +
			"\r[############............]  50 %  400 lines  200 lines/s\x1b[K" +
			"\r[########################] 100 %  400 lines  200 lines/s\x1b[K" +
			"\r\x1b[K"
		if out.String() != want {
			t.Errorf("drawn\n%q, want\n%q", out.String(), want)
		}
	})
}
