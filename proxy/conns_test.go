package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"logctl/internal/pipes"
	"logctl/store"
)

// namedListener gives connections from the addresses that it is told.
type namedListener struct {
	*pipes.Listener
	from chan string
}

type namedConn struct {
	net.Conn
	addr net.Addr
}

func (c namedConn) RemoteAddr() net.Addr { return c.addr }

func (l *namedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return namedConn{c, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(<-l.from))}, nil
}

// TestConnections opens as many connections as there may be, and more.
func TestConnections(t *testing.T) {
	t.Parallel()
	door := New(Options{Upstream: untouched(t), Limits: Limits{Connections: 6, PerAddress: 2},
		Trusted: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}})
	inner := &namedListener{pipes.New(), make(chan string, 1)}
	l := door.Listener(inner, nil)
	got := make(chan net.Conn)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			got <- c
		}
	}()
	defer l.Close()
	open := map[string][]net.Conn{}
	for _, tt := range []struct {
		from string
		ok   bool
	}{
		{"192.0.2.1:1", true}, {"192.0.2.1:2", true}, {"192.0.2.1:3", false}, {"[2001:db8::1]:1", true}, {"[2001:db8::2]:1", true},
		{"[2001:db8::3]:1", false}, {"127.0.0.1:1", true}, {"198.51.100.1:1", true}, {"127.0.0.1:1", false}, // six
		{"close 192.0.2.1:1", true}, {"127.0.0.1:1", true}, {"192.0.2.7:1", false},
	} {
		if from, ok := strings.CutPrefix(tt.from, "close "); ok {
			c := open[from][0]
			c.Close()
			c.Close() // counts once
			continue
		}
		client := inner.Dial()
		inner.from <- tt.from
		turnedAway := make(chan bool, 1)
		go func() {
			_, err := client.Read(make([]byte, 1))
			turnedAway <- err == io.EOF
		}()
		select {
		case c := <-got:
			open[tt.from] = append(open[tt.from], c)
			if !tt.ok {
				t.Errorf("%s is let in", tt.from)
			}
		case <-turnedAway:
			if tt.ok {
				t.Errorf("%s is turned away", tt.from)
			}
		}
	}
	if n := door.counters.turnedAway.Load(); n != 4 || door.conns.open() != 6 {
		t.Errorf("%d turned away, %d open", n, door.conns.open())
	}
}

// TestOneReading: a request that has more than one reading is refused in CouchDB's form, counted, and never gets to the store, or to another
// handler at the door's address.
func TestOneReading(t *testing.T) {
	t.Parallel()
	ca := newTestCA(t)
	conf := &tls.Config{Certificates: []tls.Certificate{ca.issue(2, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})}}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	const post = "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n"
	const request = post + "\r\n{\"a\":1}" + post + "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n" + post + "\r\n{\"a\":1}"
	for _, conf := range []*tls.Config{nil, conf} {
		f := newFakeCouch()
		door := newDoor(f)
		other := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
		for _, h := range []http.Handler{door, other} {
			c, err := net.Dial("tcp", serveAt(t, door, h, conf).String())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if conf != nil {
				c = tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"})
			}
			_ = c.SetDeadline(time.Now().Add(time.Minute))
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(c)
			got := string(text)
			if strings.Count(got, "HTTP/1.1 2") != 1 || strings.Count(got, "HTTP/1.1 ") != 2 || !strings.Contains(got, "HTTP/1.1 400 ") ||
				!strings.HasSuffix(got, `{"error":"bad_request","reason":"The request's header is not in its plain form."}`+"\n") {
				t.Errorf("%s", got)
			}
		}
		if n := door.counters.refused[store.KindBadRequest].Load(); n != 2 || len(f.requests) != 1 {
			t.Errorf("%d counted as refused, the store is asked %q", n, f.requests)
		}
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
			time.Sleep(time.Second / 4)
		}
	}
}
