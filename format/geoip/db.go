package geoip

import (
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Place is what is known of an address. The zero Place is that of a public address in no database.
type Place struct {
	Kind    string // of a special address, see Kind; then there is nothing else
	Country string // two letters, ISO 3166-1
	ASN     uint32 // of the autonomous system that announces the address
	Org     string // whose that is
}

// DB looks addresses up in databases. It is safe for concurrent use.
type DB struct {
	warn func(error)

	opened time.Time
	looked atomic.Int64 // how long after that the files were looked at last
	mu     sync.RWMutex // taken by a look-up that holds a lock of the cache, and never the other way round
	files  []file       // mu
	cache  *cache
}

// lookEvery is how often the files are looked at for a change, at most.
const lookEvery = time.Second

// Open reads the databases. warn is told, once each time, of a file that changed and can't be read, so that what is known
// stays in use; it may be called by any look-up and must not call the DB. It takes at least one path.
func Open(warn func(error), paths ...string) (*DB, error) {
	db := &DB{warn: warn, opened: time.Now(), cache: newCache()}
	for _, path := range paths {
		f := file{path: path}
		if _, err := f.refresh(); err != nil {
			if f.gone {
				err = fmt.Errorf("%s: %w", path, err)
			}
			return nil, fmt.Errorf("open the database of addresses %w", err)
		}
		db.files = append(db.files, f)
	}
	return db, nil
}

// Lookup tells what is known of an address.
func (db *DB) Lookup(a netip.Addr) Place {
	db.refresh()
	return db.find(plain(a))
}

// recall is what is known of an address or a network, looked up where it did not come lately.
func (db *DB) recall(text []byte) known {
	db.refresh()
	return db.cache.recall(text, db.findText)
}

// findText is what the databases know of an address or a network.
func (db *DB) findText(text []byte) (k known) {
	var a netip.Addr
	var network netip.Prefix
	if a, network, k.valid = Parse(text); k.valid {
		k.Place, k.network = db.find(a), network.String()
	}
	return k
}

// refresh looks for files that changed. Other look-ups wait while a new one is read, some ten milliseconds.
func (db *DB) refresh() {
	now, looked := int64(time.Since(db.opened)), db.looked.Load()
	if now-looked < int64(lookEvery) || !db.looked.CompareAndSwap(looked, now) {
		return
	}
	if db.reread() {
		db.cache.forget()
	}
}

// reread reads the files that changed, and tells whether there are any.
func (db *DB) reread() (changed bool) {
	db.mu.Lock()
	defer db.mu.Unlock()
	for i := range db.files {
		is, err := db.files[i].refresh()
		if err != nil {
			db.warn(fmt.Errorf("the old database of addresses stays in use: %w", err))
		}
		changed = changed || is
	}
	return changed
}

// find asks the databases, the first that knows something wins. A damaged record is as good as none.
func (db *DB) find(a netip.Addr) Place {
	p := Place{Kind: Kind(a)}
	if p.Kind != "" || !a.IsValid() {
		return p
	}
	db.mu.RLock()
	defer db.mu.RUnlock()
	for i := range db.files {
		found := readPlace(db.files[i].reader.Lookup(a))
		if p.Country == "" {
			p.Country = found.Country
		}
		if p.ASN == 0 {
			p.ASN, p.Org = found.ASN, found.Org
		}
	}
	return p
}
