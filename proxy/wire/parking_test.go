package wire

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"logctl/internal/pipes"
)

// parkingLot is a server at a listener, and one client of it.
type parkingLot struct {
	guard  *counting
	l      *listener
	client net.Conn
	in     *bufio.Reader
	full   chan struct{} // closed: there are no files for other connections
	bye    time.Duration // how long the server waits, over TLS, for a client that does not read that the connection ends
}

// inParkingLot runs a test with a server that answers with what was sent, once without TLS and once with it.
func inParkingLot(t *testing.T, test func(t *testing.T, p *parkingLot)) {
	t.Parallel()
	conf, clientConf := newTLS(t)
	conf.SessionTicketsDisabled = true // of which the client hears when it reads, and a pipe waits for that
	t.Run("plain", func(t *testing.T) { parkAt(t, nil, nil, test) })
	t.Run("tls", func(t *testing.T) { parkAt(t, conf, clientConf, test) })
}

func parkAt(t *testing.T, conf, clientConf *tls.Config, test func(t *testing.T, p *parkingLot)) {
	synctest.Test(t, func(t *testing.T) {
		inner := &faultyListener{pipes.New(), make(chan struct{})}
		client := inner.Dial()
		if clientConf != nil {
			client = tls.Client(client, clientConf)
		}
		guard := &counting{t: t}
		p := &parkingLot{guard, NewListener(inner, conf, guard).(*listener), client, bufio.NewReader(client), inner.full, 0}
		if conf != nil {
			p.bye = 5 * time.Second
		}
		s := NewServer(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				body = []byte(err.Error())
			}
			if (r.TLS != nil) != (conf != nil) {
				t.Errorf("TLS: %v", r.TLS)
			}
			fmt.Fprintf(w, "%s %s: %s", r.Method, r.URL.Path, body)
		}), slog.New(slog.DiscardHandler))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = s.Serve(p.l)
		}()
		defer func() {
			client.Close()
			s.Close()
			<-ended
		}()
		test(t, p)
	})
}

type faultyListener struct {
	*pipes.Listener
	full chan struct{}
}

func (l *faultyListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.Conns:
		return c, nil
	case <-l.Closed:
		return nil, net.ErrClosed
	case <-l.full:
		return nil, syscall.EMFILE
	}
}

func (p *parkingLot) isParked() bool {
	synctest.Wait()
	p.l.mu.Lock()
	defer p.l.mu.Unlock()
	return len(p.l.kept) == 1
}

// answer reads an answer and compares it.
func (p *parkingLot) answer(t *testing.T, want string) {
	t.Helper()
	res, err := http.ReadResponse(p.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || string(body) != want {
		t.Fatalf("status %d, %q %v, want %q", res.StatusCode, body, err, want)
	}
}

// post is a request with a body and the answer to it.
func post(n int, body string) (request, answer string) {
	return fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", n, len(body), body), fmt.Sprintf("POST /%d: %s", n, body)
}

// TestParked: a connection that waits is parked, answers when something comes, and ends when nothing has come for too long.
func TestParked(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		for i := range 3 {
			request, answer := post(i, "some")
			go io.WriteString(p.client, request)
			p.answer(t, answer)
			if p.isParked() {
				t.Error("parked at once")
			}
			time.Sleep(lingerTime)
			if !p.isParked() || p.guard.open.Load() != 1 {
				t.Errorf("parked %v, open %d", p.isParked(), p.guard.open.Load())
			}
			time.Sleep(idleTime - 2*lingerTime)
		}
		time.Sleep(2*lingerTime + p.bye)
		synctest.Wait()
		if p.isParked() || p.guard.open.Load() != 0 {
			t.Error("open for longer than a connection may wait")
		}
		if _, err := p.in.ReadByte(); err != io.EOF {
			t.Errorf("at its end: %v", err)
		}
	})
}

// TestParkedTrick: requests of a connection that has been parked are read as strictly as others.
func TestParkedTrick(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		for i := range 3 {
			request, answer := post(i, "some")
			go io.WriteString(p.client, request+request)
			p.answer(t, answer)
			p.answer(t, answer)
			time.Sleep(lingerTime)
			if !p.isParked() {
				t.Error("not parked")
			}
		}
		request, answer := post(4, "some")
		go io.WriteString(p.client, request+trickyPost+tricks[0].text+request)
		p.answer(t, answer)
		text, err := io.ReadAll(p.in)
		if err != nil || !strings.HasPrefix(string(text), "HTTP/1.1 400 ") || strings.Count(string(text), "HTTP/1.1 ") != 1 {
			t.Errorf("%s, %v", text, err)
		}
	})
}

// TestNotParked: what has begun a request is not parked, and no byte of it is lost.
func TestNotParked(t *testing.T) {
	_, answer := post(2, "some")
	request, _ := post(2, "some")
	for _, cut := range []int{1, 3, 4, strings.Index(request, "Host"), strings.Index(request, "some"), len(request) - 1} {
		for _, together := range []bool{true, false} {
			t.Run(fmt.Sprint(cut, together), func(t *testing.T) {
				inParkingLot(t, func(t *testing.T, p *parkingLot) {
					first, firstAnswer := post(1, "one")
					if together {
						go io.WriteString(p.client, first+request[:cut])
						p.answer(t, firstAnswer)
					} else {
						go io.WriteString(p.client, first)
						p.answer(t, firstAnswer)
						_, _ = io.WriteString(p.client, request[:cut])
					}
					time.Sleep(headerTime / 2)
					if p.isParked() {
						t.Error("parked")
					}
					_, _ = io.WriteString(p.client, request[cut:])
					p.answer(t, answer)
				})
			})
		}
	}
}

// TestHalfRequest: a request that begins together with the one before and does not end ends the connection.
func TestHalfRequest(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		request, answer := post(1, "some")
		go io.WriteString(p.client, request+"POST /2 HTTP/1.1\r\n")
		p.answer(t, answer)
		time.Sleep(headerTime + time.Second + p.bye)
		if p.isParked() || p.guard.open.Load() != 0 {
			t.Errorf("parked %v, %d open", p.isParked(), p.guard.open.Load())
		}
	})
}

// TestParkedAnyhow sends requests in pieces of any size with pauses of any length.
func TestParkedAnyhow(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		rnd := rand.New(rand.NewPCG(1, 2))
		var all strings.Builder
		var answers []string
		for i := range 500 {
			request, answer := post(i, strings.Repeat("x", rnd.IntN(3)*rnd.IntN(3000)))
			all.WriteString(request)
			answers = append(answers, answer)
		}
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for rest := all.String(); rest != ""; {
				n := min(1+rnd.IntN(1<<rnd.IntN(12)), len(rest))
				_, _ = io.WriteString(p.client, rest[:n])
				rest = rest[n:]
				time.Sleep(time.Duration(rnd.Int64N(int64(2 * lingerTime))))
			}
		}()
		for _, a := range answers {
			p.answer(t, a)
		}
		<-sent
	})
}

// TestParkedClosed: with the listener, what is parked ends.
func TestParkedClosed(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		request, answer := post(1, "")
		go io.WriteString(p.client, request)
		p.answer(t, answer)
		time.Sleep(lingerTime)
		if !p.isParked() {
			t.Error("not parked")
		}
		closed := time.Now()
		_ = p.l.Close()
		if _, err := p.in.ReadByte(); err != io.EOF || p.guard.open.Load() != 0 || time.Since(closed) > 0 {
			t.Errorf("%v, %d open after %v", err, p.guard.open.Load(), time.Since(closed))
		}
	})
}

// TestNoFiles: a process without a file for another connection goes on with those that it has.
func TestNoFiles(t *testing.T) {
	inParkingLot(t, func(t *testing.T, p *parkingLot) {
		for i := range 20 {
			request, answer := post(i, "")
			sent := time.Now()
			go io.WriteString(p.client, request)
			p.answer(t, answer)
			if took := time.Since(sent); took > 0 {
				t.Errorf("answered after %v", took)
			}
			if i == 0 {
				close(p.full)
			}
			time.Sleep(2 * lingerTime)
			if !p.isParked() {
				t.Error("not parked")
			}
		}
	})
}
