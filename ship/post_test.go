package ship

import (
	"errors"
	"net"
	"strings"
	"testing"

	"logctl/store"
)

// TestCutOff: who is cut off in the middle of plain HTTP is told of TLS, and what else there is to do.
func TestCutOff(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 16))
			_ = conn.(*net.TCPConn).SetLinger(0) // Close resets the connection
			conn.Close()
		}
	}()
	c := newClient(Endpoint{BaseURL: "http://" + l.Addr().String(), Anonymous: true}, "app", "log_app")
	out := c.post(t.Context(), []byte(`[{"a":1}]`))
	if out.action != away {
		t.Fatalf("%v: %v", out.action, out.err)
	}
	var e *store.Error
	if err := (&patience{}).giveUp("no luck", out.err); !errors.As(err, &e) || !strings.Contains(e.Hint, "wants https://") || !strings.Contains(e.Hint, "run the same command again") {
		t.Errorf("%v, hint %q", err, e.Hint)
	}
	c = newClient(Endpoint{BaseURL: "http://127.0.0.1:1", Anonymous: true}, "app", "log_app")
	out = c.post(t.Context(), []byte(`[{"a":1}]`))
	if err := (&patience{}).giveUp("no luck", out.err); !errors.As(err, &e) || strings.Contains(e.Hint, "https") {
		t.Errorf("away: %v, hint %q", err, e.Hint)
	}
}
