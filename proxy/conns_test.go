package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// namedListener gives connections from the addresses that it is told.
type namedListener struct {
	oneListener
	from chan string
}

type namedConn struct {
	net.Conn
	addr net.Addr
}

func (c namedConn) RemoteAddr() net.Addr { return c.addr }

func (l *namedListener) Accept() (net.Conn, error) {
	c, err := l.oneListener.Accept()
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
	inner := &namedListener{oneListener{conn: make(chan net.Conn, 1), closed: make(chan struct{})}, make(chan string, 1)}
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
		client, server := net.Pipe()
		inner.conn <- server
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

// TestSlowHeaders drips a header: the connection ends.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, status := serveOne(t, New(Options{Upstream: untouched(t)}))
		began := time.Now()
		_, err := io.WriteString(client, "POST /log_app HTTP/1.1\r\n")
		for i := 0; err == nil; i++ {
			_, err = fmt.Fprintf(client, "X-%d: x\r\n", i)
			time.Sleep(time.Second)
		}
		if got, took := <-status, time.Since(began); got != 0 || took > headerTime+2*time.Second {
			t.Errorf("status %d after %v", got, took)
		}
		client.Close()
		time.Sleep(time.Minute)
	})
}

// TestHugeHeaders sends more header than there may be.
func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	client, status := serveOne(t, New(Options{Upstream: untouched(t)}))
	defer client.Close()
	go func() {
		w := bufio.NewWriter(client)
		fmt.Fprintf(w, "POST /log_app HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", 2*maxHeader))
		w.Flush()
	}()
	if got := <-status; got != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", got)
	}
}

// TestStreams: one HTTP/2 connection has so many requests at once and no more.
func TestStreams(t *testing.T) {
	t.Parallel()
	certFile, keyFile, pool := makeCert(t)
	conf, err := TLSConfig(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	at := map[string]int{} // requests by connection
	all, most := 0, 0
	full, release := make(chan struct{}), make(chan struct{})
	const asked = maxStreams + 50
	addr := serveAt(t, New(Options{Upstream: untouched(t)}), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		at[r.RemoteAddr]++
		most = max(most, at[r.RemoteAddr])
		if all++; all == asked {
			close(full)
		}
		mu.Unlock()
		<-release
	}), conf)
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	var wg sync.WaitGroup
	for range asked {
		wg.Go(func() {
			res, err := (&http.Client{Transport: tr}).Get("https://" + addr.String())
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
		})
	}
	<-full // the client opens a second connection for what the first does not take
	close(release)
	wg.Wait()
	if most > maxStreams {
		t.Errorf("%d requests at once on one connection", most)
	}
}
