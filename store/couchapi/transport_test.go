package couchapi

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

func do(t *testing.T, c *http.Client, ctx context.Context, method, url, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func drain(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// TestTransportStreams reads a continuous feed while it is written, and ends it by closing the body and by the context.
func TestTransportStreams(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	c := &http.Client{Transport: h.Transport(adminCaller(testAdmin))}
	ctx := t.Context()
	drain(t, do(t, c, ctx, "PUT", "http://store/db", ""))

	feedCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	feed := do(t, c, feedCtx, "GET", "http://store/db/_changes?feed=continuous&heartbeat=3600000", "")
	if feed.StatusCode != 200 || feed.ContentLength != -1 {
		t.Fatalf("status %d, length %d", feed.StatusCode, feed.ContentLength)
	}
	lines := bufio.NewReader(feed.Body)
	for _, id := range []string{"a", "b", "c"} {
		drain(t, do(t, c, ctx, "PUT", "http://store/db/"+id, "{}"))
		line, err := lines.ReadString('\n')
		if err != nil || !strings.Contains(line, `"id":"`+id+`"`) {
			t.Fatalf("after a write of %s the feed gives %q, %v", id, line, err)
		}
	}
	cancel()
	if _, err := lines.ReadString('\n'); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled feed ends with %v", err)
	}
	if err := feed.Body.Close(); err != nil {
		t.Error(err)
	}

	feed = do(t, c, ctx, "GET", "http://store/db/_changes?feed=continuous", "")
	closed := make(chan error, 1)
	go func() { closed <- feed.Body.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("closing the body does not end the handler")
	}
}

func TestTransportCaller(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	admin := &http.Client{Transport: h.Transport(adminCaller(testAdmin))}
	drain(t, do(t, admin, t.Context(), "PUT", "http://store/db", ""))
	for _, c := range []struct {
		caller store.Caller
		status int
	}{
		{store.Caller{}, 401},
		{store.Caller{Name: "somebody", Roles: []string{"reader"}}, 403},
		{adminCaller("x"), 200},
	} {
		client := &http.Client{Transport: h.Transport(c.caller)}
		req, err := http.NewRequestWithContext(t.Context(), "GET", "http://store/db", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(testAdmin, testAdminPassword) // says nothing: the transport's caller counts
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if drain(t, res); res.StatusCode != c.status {
			t.Errorf("%+v: %d, want %d", c.caller, res.StatusCode, c.status)
		}
	}
}

func TestTransportHead(t *testing.T) {
	t.Parallel()
	h := newTestHandler(t, Options{})
	c := &http.Client{Transport: h.Transport(store.Caller{})}
	res := do(t, c, t.Context(), "HEAD", "http://store/", "")
	if body := drain(t, res); body != "" || res.StatusCode != 200 {
		t.Errorf("%d %q", res.StatusCode, body)
	}
}
