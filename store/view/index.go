package view

import (
	"sync"

	"logctl/store"
	"logctl/store/view/btree"
	"logctl/store/view/js"
)

// index is one index of one database.
type index struct {
	m        *Manager
	design   *Design
	kv       store.KV
	maps     *js.Maps        // nil where the maps are native
	reducers []btree.Reducer // one for each view
	spaces   []uint64        // of the trees in the cache, that of docs last
	mappers  sync.Pool       // idle mappers
	strays   bool            // kv may have nodes that belong to nothing; the update's alone

	gone chan struct{} // closed once the manager no longer has the index

	mu      sync.Mutex
	dropped bool    // nothing begins any more; guarded by mu
	head    header  // of what is in kv; guarded by mu, written by the update alone
	update  *update // the one that runs; guarded by mu
	waiting int     // queries that wait for it; guarded by mu
}

// indexKey tells indexes apart.
type indexKey struct {
	db       store.DBName
	instance string
	sig      string
}

// openIndex compiles the design's functions and reads the header.
func (m *Manager) openIndex(db Database, d *Design) (*index, error) {
	o := d.jsOptions(m.o.MapTimeout)
	x := &index{m: m, design: d, strays: true, gone: make(chan struct{})}
	sources := make([]string, len(d.views))
	for i, v := range d.views {
		sources[i] = v.mapSrc
		r, err := v.reducer(o)
		if err != nil {
			return nil, err
		}
		x.reducers = append(x.reducers, r)
	}
	for range len(d.views) + 1 {
		x.spaces = append(x.spaces, m.cache.Space())
	}
	var err error
	if d.isJavaScript() {
		if x.maps, err = js.CompileMaps(sources, o); err != nil {
			return nil, store.NewError(store.KindCompilation, err.Error())
		}
	}
	if x.kv, err = db.Index(d.sig); err != nil {
		return nil, err
	}
	x.head, err = readHeader(x.kv, len(d.views))
	return x, err
}

// index is the open index of d over db.
func (m *Manager) index(db Database, d *Design) (*index, error) {
	if !d.isJavaScript() && !d.isQuery() {
		return nil, &store.Error{Kind: store.KindInternal, Word: "unknown_query_language", Reason: d.language}
	}
	key := indexKey{db.Name(), db.Instance(), d.sig}
	m.mu.Lock()
	defer m.mu.Unlock()
	if x := m.indexes[key]; x != nil {
		return x, nil
	}
	if m.closed {
		return nil, errClosed
	}
	x, err := m.openIndex(db, d)
	if err != nil {
		return nil, err
	}
	m.indexes[key] = x
	return x, nil
}

// docs is the number of the tree of docs.
func (x *index) docs() int { return len(x.design.views) }

// tree is a view's tree, or that of docs, as of a header.
func (x *index) tree(kv store.KVReader, h header, n int) *btree.Tree {
	t := &btree.Tree{KV: kv, Cache: x.m.cache, Space: x.spaces[n], Root: h.roots[n]}
	if n == x.docs() {
		t.Prefix = []byte{keyDocs}
		return t
	}
	_, t.Remember = x.reducers[n].(scriptReducer)
	t.Prefix, t.Reducer, t.Names = nodePrefix(n), x.reducers[n], x.tree(kv, h, x.docs())
	return t
}

func (x *index) state() header {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.head
}

func (x *index) isDropped() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.dropped
}

// mapper takes an idle one or makes one.
func (x *index) mapper() (mapper, error) {
	if w, ok := x.mappers.Get().(mapper); ok {
		return w, nil
	}
	if x.maps == nil {
		return &definitions{views: x.design.views}, nil
	}
	return x.maps.NewMapper()
}
