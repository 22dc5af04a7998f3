package wire

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/pipes"
)

// TestSilentHandshake: who says nothing at a port with TLS is closed, also when the listener is, and keeps nobody from coming in.
func TestSilentHandshake(t *testing.T) {
	t.Parallel()
	conf, clientConf := newTLS(t)
	conf.SessionTicketsDisabled = true // of which the client hears when it reads, and a pipe waits for that
	for _, patient := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			inner := pipes.New()
			guard := &counting{t: t}
			s := NewServer(t.Context(), answerer, slog.New(slog.DiscardHandler))
			ended := make(chan error)
			go func() { ended <- s.Serve(NewListener(inner, conf, guard)) }()
			silent := inner.Dial()
			for range 3 {
				c := tls.Client(inner.Dial(), clientConf)
				began := time.Now()
				_, err := io.WriteString(c, "GET /_up HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
				if text, _ := io.ReadAll(c); err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 200 ") || time.Since(began) > 0 {
					t.Errorf("after %v: %v, %s", time.Since(began), err, text)
				}
			}
			if patient {
				time.Sleep(headerTime + time.Second)
			} else {
				s.Close()
			}
			synctest.Wait()
			if _, err := silent.Read(make([]byte, 1)); err != io.EOF || guard.open.Load() != 0 {
				t.Errorf("patient %v: %v, %d open", patient, err, guard.open.Load())
			}
			s.Close()
			<-ended
		})
	}
}

// TestHandshakePanics: a handshake that panics ends its own connection alone.
func TestHandshakePanics(t *testing.T) {
	t.Parallel()
	guard := &counting{t: t}
	addr := serveAt(t, guard, never(t), &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("no certificate today") }})
	for range 2 {
		if c, err := tls.Dial("tcp", addr.String(), &tls.Config{ServerName: "x"}); err == nil {
			c.Close()
			t.Error("a connection without a certificate")
		}
	}
	if open, warned := guard.open.Load(), guard.warned.Load(); open != 0 || warned != 2 {
		t.Errorf("%d open, %d times told", open, warned)
	}
}

// TestPlainAtTLS: who takes a port with TLS for one without is told.
func TestPlainAtTLS(t *testing.T) {
	t.Parallel()
	d := newTricked(t, never(t))
	d.plain = d.tls
	if got := talk(t, d.dial(t, "plain"), hiddenGet); !strings.Contains(got, "400 Bad Request") || !strings.Contains(got, "HTTP request to an HTTPS server") {
		t.Errorf("%s", got)
	}
}

// halfClosed is a connection that notes when the server ends its half.
type halfClosed struct {
	net.Conn
	ended chan struct{}
}

func (c halfClosed) CloseWrite() error {
	close(c.ended)
	return nil
}

// TestAnswerEndsFirst: a client that is still sending what nobody reads gets to see the end of the answer before the connection is closed.
func TestAnswerEndsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := net.Pipe()
		inner := pipes.New()
		c := halfClosed{server, make(chan struct{})}
		inner.Conns <- c
		s := NewServer(t.Context(), answerer, slog.New(slog.DiscardHandler))
		ended := make(chan error)
		go func() { ended <- s.Serve(NewListener(inner, nil, &counting{t: t})) }()
		go fmt.Fprintf(client, "PUT /log_app HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", 10<<20)
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil || res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%v, %v", res, err)
		}
		select {
		case <-c.ended:
		case <-time.After(time.Minute):
			t.Error("the answer's end is not told")
		}
		time.Sleep(time.Minute) // of the bubble's, for the server to let go of the connection
		client.Close()
		s.Close()
		<-ended
	})
}
