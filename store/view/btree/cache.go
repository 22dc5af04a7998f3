package btree

import (
	"container/list"
	"sync"
)

// DefaultCacheSize is the Cache that NewCache(0) makes.
const DefaultCacheSize = 64 << 20

// overhead is about what an item takes beside its bytes.
const overhead = 128

// Cache keeps nodes, their groups and dear reductions of many trees, those used last, within a number of bytes. It is safe for concurrent
// use.
type Cache struct {
	mu     sync.Mutex
	max    int
	used   int                        // guarded by mu, as all below
	items  map[cacheKey]*list.Element // of *cached
	order  *list.List                 // used last first
	spaces uint64
}

// cacheKey is a node of a tree, or a reduction by what it was made of.
type cacheKey struct {
	space, id uint64
	parts     string
}

// item is what the cache keeps. It never changes.
type item interface{ memory() int }

func (n *node) memory() int {
	size := n.size + overhead + 2*len(n.kids)*overhead
	if n.leaf != nil {
		size += n.leaf.memory()
	}
	return size
}

type cached struct {
	key  cacheKey
	item item
	size int
}

// NewCache makes a cache of at most size bytes; 0: DefaultCacheSize.
func NewCache(size int) *Cache {
	if size <= 0 {
		size = DefaultCacheSize
	}
	return &Cache{max: size, items: map[cacheKey]*list.Element{}, order: list.New()}
}

// Space gives a number for a tree's nodes that no other tree of this cache has.
func (c *Cache) Space() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spaces++
	return c.spaces
}

func (c *Cache) get(k cacheKey) item {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.items[k]
	if e == nil {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).item
}

func (c *Cache) put(k cacheKey, it item) {
	size := it.memory() + len(k.parts)
	if size > c.max/4 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.items[k] != nil {
		return
	}
	c.items[k] = c.order.PushFront(&cached{key: k, item: it, size: size})
	for c.used += size; c.used > c.max; {
		old := c.order.Remove(c.order.Back()).(*cached)
		delete(c.items, old.key)
		c.used -= old.size
	}
}

// drop forgets an item.
func (c *Cache) drop(k cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.items[k]; e != nil {
		c.used -= c.order.Remove(e).(*cached).size
		delete(c.items, k)
	}
}

// Clear drops everything. What is in use stays with its users.
func (c *Cache) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items, c.used = map[cacheKey]*list.Element{}, 0
	c.order.Init()
}
