package btree

import (
	"container/list"
	"sync"
)

// DefaultCacheSize is the Cache that NewCache(0) makes.
const DefaultCacheSize = 16 << 20

// nodeOverhead is what an item of a decoded node takes beside its bytes.
const nodeOverhead = 64

// Cache keeps decoded nodes of many trees, those used last, within a number of bytes. It is safe for concurrent use.
type Cache struct {
	mu     sync.Mutex
	max    int
	used   int                        // guarded by mu, as all below
	nodes  map[cacheKey]*list.Element // of *cached
	order  *list.List                 // used last first
	spaces uint64
}

type cacheKey struct{ space, id uint64 }

type cached struct {
	key  cacheKey
	node *node
	size int
}

// NewCache makes a cache of at most size bytes; 0: DefaultCacheSize.
func NewCache(size int) *Cache {
	if size <= 0 {
		size = DefaultCacheSize
	}
	return &Cache{max: size, nodes: map[cacheKey]*list.Element{}, order: list.New()}
}

// Space gives a number for a tree's nodes that no other tree of this cache has.
func (c *Cache) Space() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces++
	return c.spaces
}

func (c *Cache) get(k cacheKey) *node {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.nodes[k]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).node
}

func (c *Cache) put(k cacheKey, n *node) {
	size := 2*n.size + nodeOverhead*(len(n.entries)+len(n.kids)+2)
	if size > c.max/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes[k] != nil {
		return
	}
	c.nodes[k] = c.order.PushFront(&cached{key: k, node: n, size: size})
	for c.used += size; c.used > c.max; {
		e := c.order.Back()
		old := c.order.Remove(e).(*cached)
		delete(c.nodes, old.key)
		c.used -= old.size
	}
}
