package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Listener bounds the connections that l accepts: beyond the limits they are closed at once, before anything is read or
// written. conf makes them TLS, nil leaves them plain. A NewServer at it refuses what has more than one reading in HTTP/1 (framing), and
// its connections that wait for a request cost little there (conn).
func (d *Door) Listener(l net.Listener, conf *tls.Config) net.Listener {
	return &listener{Listener: l, door: d, tls: conf, next: make(chan accepted), closed: make(chan struct{}), kept: map[*admitted]struct{}{}}
}

// listener accepts new connections and those that were parked.
type listener struct {
	net.Listener
	door   *Door
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

// Accept gives the next connection that is within the limits.
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
		l.door.warn(context.Background(), "no connection can be accepted: let the process have more open files", "err", err)
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
	who := l.door.peerOf(raw.RemoteAddr())
	if !l.door.admit(who) {
		l.door.counters.turnedAway.Add(1)
		raw.Close()
		return true
	}
	c := &admitted{Conn: raw, door: l.door, who: who}
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
			l.door.o.Log.Error("a TLS handshake panicked", "panic", p, "stack", string(debug.Stack()))
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
	door   *Door
	who    client
	closed atomic.Bool
}

// Close closes the connection, once.
func (c *admitted) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	c.door.dismiss(c.who)
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

// conns counts open connections.
type conns struct {
	mu  sync.Mutex
	all int64
	of  map[client]int64
}

// peerOf is whose connections one from addr counts among; the zero client stands for those who may have any number: this
// machine, where everybody may do more harm than that, and the proxies that everybody's requests come from.
func (d *Door) peerOf(addr net.Addr) client {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return client{}
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if ip = ip.Unmap(); !ok || ip.IsLoopback() || d.trusts(ip.String()) {
		return client{}
	}
	return clientOf(ip)
}

func (d *Door) admit(who client) bool {
	c := &d.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= d.o.Limits.Connections || who != (client{}) && c.of[who] >= d.o.Limits.PerAddress {
		return false
	}
	c.all++
	if who != (client{}) {
		c.of[who]++
	}
	return true
}

func (d *Door) dismiss(who client) {
	c := &d.conns
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if who == (client{}) {
		return
	}
	if c.of[who]--; c.of[who] == 0 {
		delete(c.of, who)
	}
}

// open is how many connections there are.
func (c *conns) open() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all
}
