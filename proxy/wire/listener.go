package wire

import (
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Guard watches over the connections of a listener. It is used by several goroutines at once.
type Guard interface {
	// Admit counts a connection from an address; false: there are too many, and it is closed before anything is read or written. leave
	// is called when it is closed.
	Admit(from net.Addr) (leave func(), ok bool)

	// Refuse answers a request that has more than one reading.
	Refuse(http.ResponseWriter, *http.Request)

	// Warn logs a trouble that every connection may meet.
	Warn(msg string, args ...any)
}

// NewListener has g watch over the connections that l accepts. conf makes them TLS, nil leaves them plain. Serve it with a NewServer.
func NewListener(l net.Listener, conf *tls.Config, g Guard) net.Listener {
	return &listener{Listener: l, guard: g, tls: conf, next: make(chan accepted), closed: make(chan struct{}), kept: map[*admitted]struct{}{}}
}

// listener accepts new connections and those that were parked.
type listener struct {
	net.Listener
	guard  Guard
	tls    *tls.Config // nil: plain
	next   chan accepted
	closed chan struct{} // by Close

	mu      sync.Mutex
	started bool                   // mu
	ended   bool                   // mu
	kept    map[*admitted]struct{} // mu; connections that the server does not have: parked, or in their handshakes
	wg      sync.WaitGroup         // of the goroutines but those of handshakes; mu, and none begins once ended
}

// accepted is what Accept gives.
type accepted struct {
	conn net.Conn
	err  error
}

// Accept gives the next connection that is admitted.
func (l *listener) Accept() (net.Conn, error) {
	l.start()
	select {
	case a := <-l.next:
		return a.conn, a.err
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// start starts to accept at the first call.
func (l *listener) start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.started && !l.ended {
		l.started = true
		l.wg.Go(l.acceptAll)
	}
}

// Close closes what is parked, too, and what is in its handshake.
func (l *listener) Close() error {
	l.mu.Lock()
	if !l.ended {
		l.ended = true
		close(l.closed)
	}
	err := l.Listener.Close()
	for c := range l.kept {
		_ = c.Conn.Close() // its goroutine does the rest
	}
	l.mu.Unlock()
	l.wg.Wait()
	return err
}

// give hands something to Accept; false: the listener is closed.
func (l *listener) give(a accepted) bool {
	select {
	case l.next <- a:
		return true
	case <-l.closed:
		return false
	}
}

// acceptAll accepts new connections until the listener is closed.
func (l *listener) acceptAll() {
	for l.acceptOne() {
	}
}

// fileWait is how long a listener waits for files to be closed when there are too many. Its server, which would wait otherwise, goes
// on to take connections that were parked.
const fileWait = 100 * time.Millisecond

func (l *listener) acceptOne() (more bool) {
	raw, err := l.Listener.Accept()
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		l.guard.Warn("no connection can be accepted: let the process have more open files", "err", err)
		select {
		case <-time.After(fileWait):
			return true
		case <-l.closed:
			return false
		}
	}
	if err != nil {
		return l.give(accepted{err: err})
	}
	leave, ok := l.guard.Admit(raw.RemoteAddr())
	if !ok {
		raw.Close()
		return true
	}
	c := &admitted{Conn: raw, leave: leave}
	if l.tls == nil {
		return l.serve(&conn{Conn: c, from: l, raw: c})
	}
	if !l.keep(c, func() { go l.secure(c) }) { // not waited for at the end: a CA may take minutes for a certificate
		c.Close()
		return false
	}
	return true
}

// keep keeps a connection that the server does not have, and starts what lets it go; false: the listener is closed.
func (l *listener) keep(c *admitted, start func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.kept[c] = struct{}{}
	start()
	return true
}

func (l *listener) letGo(c *admitted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.kept, c)
}

// secure makes a connection TLS and hands it to the server. HTTP/2 and handshakes that fail, of which net/http tells the client and the
// log, are the server's business: it wants the *tls.Conn for that.
func (l *listener) secure(raw *admitted) {
	defer func() {
		if p := recover(); p != nil { // as net/http, one connection's trouble is not the others'
			l.guard.Warn("a TLS handshake panicked", "panic", p, "stack", string(debug.Stack()))
			l.letGo(raw)
			_ = raw.Close()
		}
	}()
	_ = raw.SetDeadline(time.Now().Add(headerTime)) // where this fails, the handshake does
	c := tls.Server(raw, l.tls)
	err := c.Handshake()
	_ = raw.SetDeadline(time.Time{})
	l.letGo(raw)
	if proto := c.ConnectionState().NegotiatedProtocol; err != nil || proto != "" && proto != "http/1.1" {
		if !l.give(accepted{conn: c}) {
			_ = raw.Close()
		}
		return
	}
	l.serve(&conn{Conn: c, from: l, raw: raw})
}

// serve hands a connection for HTTP/1 to the server; false: the listener is closed, and so is the connection.
func (l *listener) serve(c *conn) bool {
	a := accepted{conn: c}
	if state, ok := c.Conn.(tlsStater); ok {
		a.conn = secured{c, state}
	}
	if !l.give(a) {
		_ = c.raw.Close()
		return false
	}
	return true
}

// tlsStater is what net/http knows a connection with TLS by that is no *tls.Conn.
type tlsStater interface{ ConnectionState() tls.ConnectionState }

// secured is a conn over TLS as the server has it.
type secured struct {
	*conn
	tlsStater
}

// admitted is a connection that counts, until it is closed.
type admitted struct {
	net.Conn
	leave  func()
	closed atomic.Bool
}

// Close closes the connection, once.
func (c *admitted) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	c.leave()
	return c.Conn.Close()
}

// CloseWrite ends what the server sends, if the connection has a way to.
func (c *admitted) CloseWrite() error { return closeWrite(c.Conn) }

func closeWrite(c net.Conn) error {
	if c, ok := c.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return errors.ErrUnsupported
}
