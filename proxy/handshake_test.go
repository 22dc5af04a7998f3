package proxy

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSilentHandshake: who says nothing at a port with TLS is closed, also when the listener is, and keeps nobody from coming in.
func TestSilentHandshake(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := makeCert(t)
	conf, err := TLSConfig(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	conf.SessionTicketsDisabled = true // of which the client hears when it reads, and a pipe waits for that
	for _, patient := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			inner := &oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
			dial := func() net.Conn {
				client, server := net.Pipe()
				inner.conn <- server
				return client
			}
			door := newDoor(newFakeCouch())
			s := NewServer(t.Context(), door, door.o.Log)
			ended := make(chan error)
			go func() { ended <- s.Serve(door.Listener(inner, conf)) }()
			silent := dial()
			for range 3 {
				c := tls.Client(dial(), &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"})
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
			if _, err := silent.Read(make([]byte, 1)); err != io.EOF || door.conns.open() != 0 {
				t.Errorf("patient %v: %v, %d open", patient, err, door.conns.open())
			}
			s.Close()
			<-ended
		})
	}
}

// TestHandshakePanics: a handshake that panics ends its own connection alone.
func TestHandshakePanics(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t)})
	addr := serveAt(t, door, door, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { panic("no certificate today") }})
	for range 2 {
		if c, err := tls.Dial("tcp", addr.String(), &tls.Config{ServerName: "x"}); err == nil {
			c.Close()
			t.Error("a connection without a certificate")
		}
	}
	if n := door.conns.open(); n != 0 {
		t.Errorf("%d open", n)
	}
}

// TestPlainAtTLS: who takes a port with TLS for one without is told.
func TestPlainAtTLS(t *testing.T) {
	t.Parallel()
	d := newTricked(t, untouched(t), nil)
	d.plain = d.tls
	if got := talk(t, d.dial(t, "plain"), hiddenGet); !strings.Contains(got, "400 Bad Request") || !strings.Contains(got, "HTTP request to an HTTPS server") {
		t.Errorf("%s", got)
	}
}

// TestConnectionState: the handler gets to know a client's certificate over either version of HTTP, also when the connection has been parked.
func TestConnectionState(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.issue(2, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}, NextProtos: []string{"h2", "http/1.1"}}
	AskForCertificates(conf, func() *x509.CertPool { return roots })
	door := New(Options{Upstream: untouched(t)})
	addr := serveAt(t, door, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.Proto, r.TLS.VerifiedChains[0][0].Subject.CommonName)
	}), conf)
	clientConf := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{ca.client(10, "web1")}}
	for _, h2 := range []bool{true, false} {
		tr := &http.Transport{TLSClientConfig: clientConf.Clone(), ForceAttemptHTTP2: h2, MaxConnsPerHost: 1}
		defer tr.CloseIdleConnections()
		want := "HTTP/1.1 web1"
		if h2 {
			want = "HTTP/2.0 web1"
		}
		for range 2 {
			res, err := (&http.Client{Transport: tr}).Get("https://" + addr.String())
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(res.Body)
			if res.Body.Close(); err != nil || string(text) != want {
				t.Errorf("%q %v, want %q", text, err, want)
			}
			time.Sleep(2 * lingerTime)
		}
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
		inner := &oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
		c := halfClosed{server, make(chan struct{})}
		inner.conn <- c
		door := New(Options{Upstream: untouched(t)})
		s := NewServer(t.Context(), door, door.o.Log)
		ended := make(chan error)
		go func() { ended <- s.Serve(door.Listener(inner, nil)) }()
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
