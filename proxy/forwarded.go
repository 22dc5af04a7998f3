package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// origin is the address that a request comes from and whether it came over TLS. What X-Forwarded headers say counts only if a
// trusted proxy sent them, and of the addresses there only the last that is not a trusted proxy's itself.
func (d *Door) origin(r *http.Request) (client string, https bool) {
	client = peer(r)
	https = r.TLS != nil
	if !d.trusts(client) {
		return client, https
	}
	if proto := r.Header.Get("X-Forwarded-Proto"); proto != "" {
		https = proto == "https"
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		addr, ok := hopAddr(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		client = addr.Unmap().String()
		if !d.trusts(client) {
			break
		}
	}
	return client, https
}

// hopAddr reads an address as proxies write it: some add the port, and set IPv6 in brackets.
func hopAddr(s string) (addr netip.Addr, ok bool) {
	if p, err := netip.ParseAddrPort(s); err == nil {
		return p.Addr(), true
	}
	if n := len(s) - 1; n > 0 && s[0] == '[' && s[n] == ']' {
		s = s[1:n]
	}
	addr, err := netip.ParseAddr(s)
	return addr, err == nil
}

// peer is the other end of the request's connection; a Unix socket's is this machine.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "127.0.0.1"
	}
	return host
}

// bySocket tells whether a request came by a Unix socket, whose other end has no address.
func bySocket(r *http.Request) bool { return r.RemoteAddr == "" || r.RemoteAddr == "@" }

func (d *Door) trusts(host string) bool {
	if len(d.o.Trusted) == 0 {
		return false
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	for _, p := range d.o.Trusted {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// forwarded is the request of a signed-in caller as the store gets it: unchanged, but for what only a proxy may say.
func (d *Door) forwarded(v *visit) *http.Request {
	r := v.r.WithContext(v.r.Context())
	r.Header = v.r.Header.Clone()
	for name := range r.Header {
		// X-Auth-CouchDB-… names a caller without a password to a CouchDB that trusts its proxy. Connection could take the
		// credentials, by which the door went, off on the way.
		if strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Auth-Couchdb-") ||
			name == "Forwarded" || name == "X-Real-Ip" || name == "Connection" || name == "Upgrade" {
			delete(r.Header, name)
		}
	}
	v.stamp(r)
	return r
}

// stamp says on a request to the store whom it is for.
func (v *visit) stamp(r *http.Request) {
	r.Header["X-Forwarded-For"] = []string{v.client}
	r.Header["X-Forwarded-Host"] = []string{v.r.Host}
	r.Header["X-Forwarded-Proto"] = []string{v.scheme()}
	if peer(v.r) != v.client {
		r.RemoteAddr = net.JoinHostPort(v.client, "0")
	}
}

func (v *visit) scheme() string {
	if v.https {
		return "https"
	}
	return "http"
}
