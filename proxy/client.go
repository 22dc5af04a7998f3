package proxy

import (
	"net/netip"
	"time"

	"logctl/store"
)

// client is whose limits a request counts against. Clients are compared, and keys of maps.
type client struct {
	addr netip.Addr // of IPv6, the first of its /64: who has one address there mostly has all of them
	name string     // of a holder, whose requests count against its address first; there is no addr then
}

// owner is who comes by a socket of this machine that nobody else can open. His requests are not limited, and his guesses count
// apart: what comes over the network from this machine's own address is not to keep him out.
var owner = client{name: "owner"}

const sharedBits = 64

func clientOf(addr netip.Addr) client {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if p, err := addr.Prefix(sharedBits); err == nil {
			addr = p.Addr()
		}
	}
	return client{addr: addr}
}

// payerOf is the client at an address in text; of those that are none there is one.
func payerOf(address string) client {
	addr, err := netip.ParseAddr(address)
	if err != nil {
		return client{}
	}
	return clientOf(addr)
}

// limited is a refusal with the time after which to try again.
type limited struct {
	refusal *store.Error
	after   time.Duration
}

func (l *limited) Error() string { return l.refusal.Error() }
func (l *limited) Unwrap() error { return l.refusal }

func errLimited(reason string, after time.Duration) error {
	return &limited{store.NewError(store.KindTooManyRequests, reason), after}
}
