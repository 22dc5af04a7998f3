package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"logctl/proxy/wire"
	"logctl/store"
)

// Listener bounds the connections that l accepts: beyond the limits they are closed at once, before anything is read or
// written. conf makes them TLS, nil leaves them plain. Serve it with a wire.NewServer, whose handler gets no request that has more than
// one reading.
func (d *Door) Listener(l net.Listener, conf *tls.Config) net.Listener {
	return wire.NewListener(l, conf, guard{d})
}

// guard is a door as a listener sees it.
type guard struct{ door *Door }

func (g guard) Admit(from net.Addr) (leave func(), ok bool) {
	who := g.door.peerOf(from)
	if !g.door.admit(who) {
		g.door.counters.turnedAway.Add(1)
		return nil, false
	}
	return func() { g.door.dismiss(who) }, true
}

// errFraming refuses a request that another server could take for another one, or for two.
var errFraming = store.NewError(store.KindBadRequest, "The request's header is not in its plain form.")

func (g guard) Refuse(w http.ResponseWriter, r *http.Request) {
	v := g.door.visit(w, r)
	v.hurry()
	err := g.door.mayCome(v)
	if err == nil {
		err = errFraming
	}
	g.door.fail(v, err)
}

func (g guard) Warn(msg string, args ...any) { g.door.warn(context.Background(), msg, args...) }

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
