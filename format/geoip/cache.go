package geoip

import (
	"hash/maphash"
	"sync"
)

// known is what Extend adds about an address or a network.
type known struct {
	Place
	network string
	valid   bool // the text is an address or a network
}

// cache remembers what is known of the addresses and networks that came lately, by their text. It is in parts, each with a lock of
// its own, so that callers on several cores seldom wait for each other.
type cache struct {
	seed  maphash.Seed
	parts [parts]cachePart
}

// Bounds of a cache. All of it takes some 3 MiB.
const (
	parts      = 16
	remembered = 512 // in each of the two generations of a part
)

type cachePart struct {
	mu      sync.Mutex
	recent  map[string]known // mu
	earlier map[string]known // mu: what recent was before it was full
	_       [40]byte         // so that no two locks are in one cache line
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.parts {
		c.parts[i].recent, c.parts[i].earlier = map[string]known{}, map[string]known{}
	}
	return c
}

// recall is what is known of a text, by find where it did not come lately.
func (c *cache) recall(text []byte, find func(text []byte) known) known {
	p := &c.parts[maphash.Bytes(c.seed, text)%parts]
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.recent[string(text)]; ok {
		return k
	}
	k, ok := p.earlier[string(text)]
	if !ok {
		k = find(text)
	}
	if len(p.recent) == remembered {
		p.recent, p.earlier = p.earlier, p.recent
		clear(p.recent)
	}
	p.recent[string(text)] = k
	return k
}

// forget empties the cache. What a find that is under way gives is forgotten, too, since its part is locked.
func (c *cache) forget() {
	for i := range c.parts {
		p := &c.parts[i]
		p.mu.Lock()
		clear(p.recent)
		clear(p.earlier)
		p.mu.Unlock()
	}
}
