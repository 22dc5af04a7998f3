package proxy

import (
	"net"
	"net/netip"
	"sync"
)

// Listener bounds the connections that l accepts: beyond the limits they are closed at once, before anything is read or
// written. Wrap TLS around it, not it around TLS.
func (d *Door) Listener(l net.Listener) net.Listener {
	return &listener{Listener: l, door: d}
}

type listener struct {
	net.Listener
	door *Door
}

// conns counts open connections.
type conns struct {
	mu  sync.Mutex
	all int64
	of  map[client]int64
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := l.door.peerOf(c.RemoteAddr())
		if l.door.admit(who) {
			return &conn{Conn: c, door: l.door, who: who}, nil
		}
		l.door.counters.turnedAway.Add(1)
		c.Close()
	}
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

// conn is a connection that counts.
type conn struct {
	net.Conn
	door *Door
	who  client
	once sync.Once
}

func (c *conn) Close() error {
	c.once.Do(func() { c.door.dismiss(c.who) })
	return c.Conn.Close()
}
