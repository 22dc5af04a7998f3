package view

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"logctl/store"
)

// memoryKV is a keyspace in memory. After `dies` more writes it refuses all, as a store that goes down does.
type memoryKV struct {
	mu     sync.Mutex
	values map[string][]byte
	keys   []string // sorted, some deleted; fresh ones are not in it yet
	fresh  []string
	dies   int // writes that still succeed, negative for all
	writes int
	most   int // bytes of one write
}

func newMemoryKV() *memoryKV { return &memoryKV{values: map[string][]byte{}, dies: -1} }

var errDead = errors.New("the store is down")

func (m *memoryKV) Get(key []byte) ([]byte, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[string(key)]
	return slices.Clone(v), ok, nil
}

func (m *memoryKV) Scan(lo, hi []byte, fn func(k, v []byte) error) error {
	m.mu.Lock()
	if len(m.fresh) > 0 {
		slices.Sort(m.fresh)
		m.keys = append(m.keys, m.fresh...)
		m.fresh = nil
		slices.Sort(m.keys)
		m.keys = slices.Compact(m.keys)
	}
	from := sort.SearchStrings(m.keys, string(lo))
	keys := m.keys[from:]
	m.mu.Unlock()
	for _, k := range keys {
		if hi != nil && k >= string(hi) {
			break
		}
		v, ok, _ := m.Get([]byte(k))
		if !ok {
			continue
		}
		if err := fn([]byte(k), v); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	return nil
}

func (m *memoryKV) Apply(_ context.Context, ops []store.KVOp) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dies == 0 {
		return errDead
	}
	m.dies--
	m.writes++
	size := 0
	for _, op := range ops {
		size += len(op.Key) + len(op.Value)
		m.most = max(m.most, size)
		k := string(op.Key)
		if op.Delete {
			delete(m.values, k)
			continue
		}
		if _, ok := m.values[k]; !ok {
			m.fresh = append(m.fresh, k)
		}
		m.values[k] = slices.Clone(op.Value)
	}
	return nil
}

func (m *memoryKV) Drop() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.values, m.keys, m.fresh = map[string][]byte{}, nil, nil
	return nil
}

func (m *memoryKV) Snapshot() store.KVSnapshot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return memorySnapshot{&memoryKV{values: maps.Clone(m.values), fresh: slices.Collect(maps.Keys(m.values)), dies: -1}}
}

type memorySnapshot struct{ *memoryKV }

func (memorySnapshot) Close() error { return nil }

// fakeDB is a database in memory: what changed, in order, the latest change of each doc.
type fakeDB struct {
	mu      sync.Mutex
	seq     uint64
	changes []store.Change
	at      map[string]int // place of a doc's latest change
	indexes map[string]*memoryKV
	reads   int
	deleted bool
	purges  []string // ids
	kept    int      // how many of the last of them are still known
	before  func()   // called once, before changes are read
}

func newFakeDB() *fakeDB {
	return &fakeDB{at: map[string]int{}, indexes: map[string]*memoryKV{}}
}

func (db *fakeDB) Name() store.DBName { return "log_test" }
func (db *fakeDB) Instance() string   { return "1" }

func (db *fakeDB) UpdateSeq() uint64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.seq
}

func (db *fakeDB) Index(sig string) (store.KV, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.deleted {
		return nil, store.NewError(store.KindNotFound, "Database does not exist.")
	}
	if db.indexes[sig] == nil {
		db.indexes[sig] = newMemoryKV()
	}
	return db.indexes[sig], nil
}

func (db *fakeDB) Indexes() ([]string, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	return slices.Collect(maps.Keys(db.indexes)), nil
}

func (db *fakeDB) Changes(ctx context.Context, since uint64, fn func(store.Change) bool) error {
	db.mu.Lock()
	before := db.before
	db.before = nil
	db.mu.Unlock()
	if before != nil {
		before()
	}
	db.mu.Lock()
	db.reads++
	from := sort.Search(len(db.changes), func(i int) bool { return db.changes[i].Seq > since })
	list := slices.Clone(db.changes[from:])
	db.mu.Unlock()
	for i, c := range list {
		db.mu.Lock()
		at, there := db.at[c.Doc.ID]
		latest := there && at == from+i
		db.mu.Unlock()
		if latest && !fn(c) {
			break
		}
	}
	return ctx.Err()
}

// purge forgets a doc; of all purges kept are known from now on.
func (db *fakeDB) purge(id string, kept int) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.seq++
	delete(db.at, id)
	db.purges, db.kept = append(db.purges, id), kept
}

func (db *fakeDB) PurgeSeq() uint64 {
	db.mu.Lock()
	defer db.mu.Unlock()
	return uint64(len(db.purges))
}

func (db *fakeDB) Purges(_ context.Context, since uint64, fn func(seq uint64, id string) bool) (complete bool, err error) {
	db.mu.Lock()
	all, first := slices.Clone(db.purges), len(db.purges)-db.kept
	db.mu.Unlock()
	for i := max(int(since), first); i < len(all); i++ {
		if !fn(uint64(i+1), all[i]) {
			break
		}
	}
	return int(since) >= first || int(since) >= len(all), nil
}

// put stores a doc's body; "" deletes it.
func (db *fakeDB) put(id, body string) {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.seq++
	c := store.Change{Seq: db.seq, Doc: store.Doc{
		ID: id, Rev: store.Rev{Gen: 1, Hash: fmt.Sprintf("%032x", db.seq)}, Body: []byte(body), Deleted: body == "", Seq: db.seq,
	}}
	if body == "" {
		c.Doc.Body = []byte("{}")
	}
	db.at[id] = len(db.changes)
	db.changes = append(db.changes, c)
}

// putJSON stores docs that carry their _id.
func (db *fakeDB) putJSON(t testing.TB, docs string) {
	t.Helper()
	var list []map[string]json.RawMessage
	if err := json.Unmarshal([]byte(docs), &list); err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		var id string
		if err := json.Unmarshal(d["_id"], &id); err != nil {
			t.Fatal(err)
		}
		delete(d, "_id")
		body, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		db.put(id, string(body))
	}
}

func design(t testing.TB, body string) *Design {
	t.Helper()
	d, err := ParseDesign("_design/v", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// answerOf is a query's answer as text: meta, then a line for each row.
func answerOf(m *Manager, db Database, d *Design, view string, q store.ViewQuery) (string, error) {
	var out strings.Builder
	err := m.Query(context.Background(), db, d, view, q, func(meta Meta) error {
		if meta.Reduced {
			out.WriteString("reduced")
		} else {
			fmt.Fprintf(&out, "%d/%d", meta.Offset, meta.TotalRows)
		}
		return nil
	}, func(r store.Row) error {
		fmt.Fprintf(&out, "\n%s", r.Key)
		if r.ID != "" {
			fmt.Fprintf(&out, " @%s", r.ID)
		}
		if r.Err != "" {
			fmt.Fprintf(&out, " !%s", r.Err)
		}
		fmt.Fprintf(&out, " = %s", r.Value)
		return nil
	})
	return out.String(), err
}

// query reads CouchDB's parameters, separated by blanks: JSON but for the doc ids.
func query(t testing.TB, params string) store.ViewQuery {
	t.Helper()
	return queryOf(t, strings.Fields(params))
}

func queryOf(t testing.TB, params []string) store.ViewQuery {
	t.Helper()
	q := store.NewViewQuery()
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		raw := json.RawMessage(value)
		var err error
		switch name {
		case "key":
			q.StartKey, q.EndKey = raw, raw
		case "startkey":
			q.StartKey = raw
		case "endkey":
			q.EndKey = raw
		case "startkey_docid":
			q.StartDocID = value
		case "endkey_docid":
			q.EndDocID = value
		case "keys":
			q.Keys = []json.RawMessage{}
			err = json.Unmarshal(raw, &q.Keys)
		case "descending":
			err = json.Unmarshal(raw, &q.Descending)
		case "inclusive_end":
			q.ExclusiveEnd = value == "false"
		case "skip":
			err = json.Unmarshal(raw, &q.Skip)
		case "limit":
			err = json.Unmarshal(raw, &q.Limit)
		case "reduce":
			q.Reduce, q.NoReduce = value == "true", value == "false"
		case "group":
			err = json.Unmarshal(raw, &q.Group)
		case "group_level":
			q.GroupLevelGiven = true
			err = json.Unmarshal(raw, &q.GroupLevel)
		case "update":
			q.Update = map[string]store.Stale{"true": store.UpdateTrue, "false": store.UpdateFalse, "lazy": store.UpdateLazy}[value]
		case "include_docs":
			q.IncludeDocs = true
		default:
			t.Fatalf("unknown parameter %s", name)
		}
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
	}
	return q
}
