package wire

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/pipes"
)

// counting is a Guard that lets everybody in.
type counting struct {
	t       testing.TB
	open    atomic.Int64
	refused atomic.Int64
	warned  atomic.Int64
}

func (g *counting) Admit(net.Addr) (leave func(), ok bool) {
	g.open.Add(1)
	return func() { g.open.Add(-1) }, true
}

const refusal = "has two readings"

func (g *counting) Refuse(w http.ResponseWriter, _ *http.Request) {
	g.refused.Add(1)
	w.WriteHeader(http.StatusBadRequest)
	_, _ = io.WriteString(w, refusal)
}

func (g *counting) Warn(msg string, args ...any) {
	g.warned.Add(1)
	g.t.Log(append([]any{msg}, args...)...)
}

// answerer takes what is posted, says no to what is put without looking at it, and yes to all else.
var answerer = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusCreated)
	case http.MethodPut:
		w.WriteHeader(http.StatusUnauthorized)
	}
})

// never fails the test when it gets a request.
func never(t *testing.T) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("the handler got %s %s", r.Method, r.URL) })
}

// newTLS is the TLS of a server at 127.0.0.1 and of its clients.
func newTLS(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil) // for its certificate
	s.Close()
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "127.0.0.1"
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}, client
}

// serveAt serves at a free port until the test ends, with TLS where there is a configuration.
func serveAt(t *testing.T, g Guard, h http.Handler, conf *tls.Config) net.Addr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(t.Context(), h, slog.New(slog.DiscardHandler))
	go s.Serve(NewListener(l, conf, g))
	t.Cleanup(func() { s.Close() })
	return l.Addr()
}

// serveOne runs a server with one connection, which is in memory, and gives the other end and the status of the answer that comes.
func serveOne(t *testing.T) (net.Conn, <-chan int) {
	t.Helper()
	l := pipes.New()
	client := l.Dial()
	s := NewServer(t.Context(), never(t), slog.New(slog.DiscardHandler))
	go s.Serve(NewListener(l, nil, &counting{t: t}))
	t.Cleanup(func() { s.Close() })
	return client, pipes.Status(client)
}

// TestSlowHeaders drips a header: the connection ends.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, status := serveOne(t)
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
	client, status := serveOne(t)
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
	conf, clientConf := newTLS(t)
	var mu sync.Mutex
	at := map[string]int{} // requests by connection
	all, most := 0, 0
	full, release := make(chan struct{}), make(chan struct{})
	const asked = maxStreams + 50
	addr := serveAt(t, &counting{t: t}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		at[r.RemoteAddr]++
		most = max(most, at[r.RemoteAddr])
		if all++; all == asked {
			close(full)
		}
		mu.Unlock()
		<-release
	}), conf)
	tr := &http.Transport{TLSClientConfig: clientConf, ForceAttemptHTTP2: true}
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

// talk sends bytes, in pieces that end at the cuts, and gives the answers until the connection is closed.
func talk(t *testing.T, conn net.Conn, raw string, cuts ...int) string {
	t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	from := 0
	for _, cut := range append(cuts, len(raw)) {
		if _, err := io.WriteString(conn, raw[from:cut]); err != nil {
			break // refused before the end
		}
		if from = cut; cut < len(raw) {
			time.Sleep(time.Millisecond / 2) // so that it comes by itself
		}
	}
	answers, err := io.ReadAll(conn)
	if len(answers) == 0 {
		t.Errorf("%q: %v", raw, err)
	}
	return string(answers)
}

// tricked is a server that is sent tricks, plainly and over TLS.
type tricked struct {
	guard counting
	plain net.Addr
	tls   net.Addr
	conf  *tls.Config // of clients
}

func newTricked(t *testing.T, h http.Handler) *tricked {
	t.Helper()
	conf, clientConf := newTLS(t)
	d := &tricked{guard: counting{t: t}, conf: clientConf}
	d.plain, d.tls = serveAt(t, &d.guard, h, nil), serveAt(t, &d.guard, h, conf)
	return d
}

// dial connects plainly, or over TLS with HTTP/1.1 chosen or with nothing said of it.
func (d *tricked) dial(t *testing.T, way string) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	switch way {
	case "plain":
		c, err = net.Dial("tcp", d.plain.String())
	case "tls", "tls without ALPN":
		conf := d.conf.Clone()
		if way == "tls" {
			conf.NextProtos = []string{"http/1.1"}
		}
		c, err = tls.Dial("tcp", d.tls.String(), conf)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var waysIn = []string{"plain", "tls", "tls without ALPN"}

// TestOneReading sends each trick over sockets. It is refused, and nothing that comes behind is answered.
func TestOneReading(t *testing.T) {
	t.Parallel()
	d := newTricked(t, never(t))
	refused := int64(0)
	for _, way := range waysIn {
		for _, tt := range tricks {
			got := talk(t, d.dial(t, way), trickyPost+tt.text+hiddenGet)
			if strings.Count(got, "HTTP/1.1 ") != 1 || !strings.HasPrefix(got, "HTTP/1.1 400 ") && (tt.silent || !strings.HasPrefix(got, "HTTP/1.1 501 ")) {
				t.Errorf("%s, %s: %s", way, tt.name, got)
			}
			if !tt.silent {
				continue
			}
			refused++
			if !strings.Contains(got, "\r\nConnection: close\r\n") || !strings.HasSuffix(got, refusal) {
				t.Errorf("%s, %s: %s", way, tt.name, got)
			}
		}
	}
	if n := d.guard.refused.Load(); n != refused {
		t.Errorf("%d refused, want %d", n, refused)
	}
}

// TestOneReadingInPieces cuts requests at each byte.
func TestOneReadingInPieces(t *testing.T) {
	t.Parallel()
	d := newTricked(t, answerer)
	raw := plainPost + plainPost + trickyPost + tricks[0].text + hiddenGet
	for _, way := range waysIn[:2] {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			all := make([]int, len(raw))
			for i := range all {
				all[i] = i
			}
			for _, cuts := range append([][]int{all, nil}, chunks(all, 1)...) {
				got := talk(t, d.dial(t, way), raw, cuts...)
				if strings.Count(got, "HTTP/1.1 ") != 3 || strings.Count(got, "HTTP/1.1 201 ") != 2 || strings.Count(got, "HTTP/1.1 400 ") != 1 {
					t.Fatalf("%v: %s", cuts, got)
				}
			}
		})
	}
}

func chunks(list []int, n int) (all [][]int) {
	for len(list) >= n {
		all, list = append(all, list[:n]), list[n:]
	}
	return all
}

// TestOneReadingCounts: framing and the server number requests alike, whatever those are.
func TestOneReadingCounts(t *testing.T) {
	t.Parallel()
	bad := trickyPost + tricks[0].text + hiddenGet
	for _, tt := range []struct {
		name, text string
		statuses   string // of the answers
	}{
		{"others before", plainPost + hiddenGet + plainPost + bad, "201 200 201 400"},
		{"an empty line before", plainPost + "\r\n" + bad, "201 400"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + bad, "200 400"},
		{"HEAD", "HEAD /_up HTTP/1.1\r\nHost: x\r\n\r\n" + bad, "200 400"},
		{"a body that nobody reads", "PUT /log_app HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789" + bad, "401 400"},
		{"100-continue", trickyPost + "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n{\"a\":1}" + bad, "100 201 400"},
		{"the trick waits for 100-continue", trickyPost + "Expect: 100-continue\r\n" + tricks[0].text + hiddenGet, "400"},
		{"HTTP/1.0", "GET /_up HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + bad, "200 400"},
		{"chunks in HTTP/1.0", "POST /log_app HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n", "400"},
		{"HTTP/1.2", "GET /_up HTTP/1.2\r\nHost: x\r\n\r\n" + hiddenGet, "400"},
		{"an upgrade to HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
		{"bare line feeds", strings.ReplaceAll(plainPost, "\r\n", "\n") + hiddenGet, "400"},
		{"a bare line feed before", plainPost + "\n" + hiddenGet, "201 400"},
		{"a long header", trickyPost + "X: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 7\r\n\r\n{\"a\":1}" + bad, "201 400"},
		{"a long body", trickyPost + "Content-Length: 9000\r\n\r\n{\"a\":1}" + strings.Repeat(" ", 8993) + bad, "201 400"},
		{"names that are like", trickyPost + "Content-Lengths: x\r\nContent-: y\r\nTransfer-Encoding2: z\r\nT: t\r\nc:\r\nContent-Length: 0007\r\n\r\n{\"a\":1}" + bad, "201 400"},
	} {
		for _, way := range waysIn {
			d := newTricked(t, answerer)
			var statuses []string
			for _, m := range regexp.MustCompile(`HTTP/1\.[01] ([0-9]{3}) `).FindAllStringSubmatch(talk(t, d.dial(t, way), tt.text), -1) {
				statuses = append(statuses, m[1])
			}
			if got := strings.Join(statuses, " "); got != tt.statuses {
				t.Errorf("%s, %s: %s, want %s", way, tt.name, got, tt.statuses)
			}
		}
	}
}

// TestChunkedEndsConnection: what stands behind a body in chunks is never answered, whoever has answered that.
func TestChunkedEndsConnection(t *testing.T) {
	t.Parallel()
	const chunked = trickyPost + "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"
	forgets := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Del("Connection")
	})
	for _, way := range waysIn {
		d := newTricked(t, answerer)
		for _, raw := range []string{chunked + hiddenGet, strings.Replace(chunked, "POST", "PUT", 1) + hiddenGet} {
			if got := talk(t, d.dial(t, way), raw); strings.Count(got, "HTTP/1.1 ") != 1 || !strings.Contains(got, "\r\nConnection: close\r\n") {
				t.Errorf("%s: %s", way, got)
			}
		}
		d = newTricked(t, forgets)
		if got := talk(t, d.dial(t, way), chunked+hiddenGet); strings.Count(got, "HTTP/1.1 200 ") != 1 || strings.Count(got, "HTTP/1.1 400 ") != 1 {
			t.Errorf("%s, a handler that keeps the connection: %s", way, got)
		}
	}
}

// FuzzServer: what a handler gets are the requests that a strict reader sees, one by one and with the same bodies.
func FuzzServer(f *testing.F) {
	for _, tt := range tricks {
		f.Add([]byte(plainPost + trickyPost + tt.text + hiddenGet))
	}
	f.Add([]byte(trickyPost + "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n{\"a\":1}" + hiddenGet))
	f.Add([]byte(trickyPost + "Transfer-Encoding: chunked\r\n\r\n7;x\r\n{\"a\":1}\r\n0\r\nX: y\r\n\r\n" + hiddenGet))
	f.Add([]byte("PUT / HTTP/1.1\nHost: x\nContent-Length: 270000\n\n"))
	f.Add([]byte("OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\nPUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\nPRI * HTTP/2.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		synctest.Test(t, func(t *testing.T) {
			var got []plainRequest
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var body []byte
				if r.Method != http.MethodPut {
					body, _ = io.ReadAll(r.Body) // it may not be there
				}
				got = append(got, plainRequest{line: r.Method + " " + r.RequestURI + " " + r.Proto, body: string(body)})
			})
			l := pipes.New()
			client := l.Dial()
			s := NewServer(t.Context(), h, slog.New(slog.DiscardHandler))
			ended := make(chan error)
			go func() { ended <- s.Serve(NewListener(l, nil, &counting{t: t})) }()
			go func() { _, _ = io.Copy(io.Discard, client) }()
			_, _ = client.Write(raw) // the server may end it before
			synctest.Wait()
			client.Close() // which what has not come to its end waits for
			synctest.Wait()
			s.Close()
			<-ended
			time.Sleep(time.Minute) // of the bubble's, for the server to let go of the connection
			list, _ := readStrictly(string(raw))
			for i, r := range got {
				if i >= len(list) || r.line != list[i].line || !list[i].chunked && r.body != "" && r.body != list[i].body {
					t.Errorf("request %d is %q with %q; read strictly, there are %+v", i, r.line, r.body, list)
					break
				}
			}
		})
	})
}
