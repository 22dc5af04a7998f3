package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Listener bounds the connections that l accepts: beyond the limits they are closed at once, before anything is read or
// written. Wrap TLS around it, not it around TLS. Connections of a NewServer that wait for a request cost little there; see conn.
func (d *Door) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, door: d, next: make(chan accepted), closed: make(chan struct{}), parked: map[*conn]struct{}{}}
}

// listener accepts new connections and those that were parked.
type listener struct {
	net.Listener
	door   *Door
	next   chan accepted
	closed chan struct{} // by Close

	mu      sync.Mutex
	started bool               // mu
	ended   bool               // mu
	parked  map[*conn]struct{} // mu
	wg      sync.WaitGroup     // of the goroutines; mu, and none begins once ended
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

// Close closes what is parked, too.
func (l *listener) Close() error {
	l.mu.Lock()
	if !l.ended {
		l.ended = true
		close(l.closed)
	}
	err := l.Listener.Close()
	for c := range l.parked {
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
	c := &conn{Conn: raw, from: l, who: who}
	if more = l.give(accepted{conn: c}); !more {
		c.Close()
	}
	return more
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
