package geoip

import (
	"fmt"
	"net/netip"
	"sync"
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

	mu      sync.Mutex
	files   []file
	looked  time.Time        // when the files were looked at last
	recent  map[string]known // by text
	earlier map[string]known // what recent was before it was full
}

// known is what Extend adds about an address or a network.
type known struct {
	Place
	network string
	valid   bool // the text is an address or a network
}

// remembered is how many addresses each of the two generations has at most: some 3 MiB together.
const remembered = 8192

// lookEvery is how often the files are looked at for a change, at most.
const lookEvery = time.Second

// Open reads the databases. warn is told, once each time, of a file that changed and can't be read, so that what is known
// stays in use; it may be called by any look-up and must not call the DB. It takes at least one path.
func Open(warn func(error), paths ...string) (*DB, error) {
	db := &DB{warn: warn, recent: map[string]known{}, earlier: map[string]known{}, looked: time.Now()}
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
	db.mu.Lock()
	defer db.mu.Unlock()
	db.refresh()
	return db.find(plain(a))
}

// recall is what is known of an address or a network, looked up where it did not come lately.
func (db *DB) recall(text []byte) known {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.refresh()
	if k, ok := db.recent[string(text)]; ok {
		return k
	}
	k, ok := db.earlier[string(text)]
	if !ok {
		var a netip.Addr
		var network netip.Prefix
		if a, network, k.valid = Parse(text); k.valid {
			k.Place, k.network = db.find(a), network.String()
		}
	}
	if len(db.recent) == remembered {
		db.recent, db.earlier = db.earlier, db.recent
		clear(db.recent)
	}
	db.recent[string(text)] = k
	return k
}

// refresh looks for files that changed. A new one is read while look-ups wait, some ten milliseconds.
func (db *DB) refresh() {
	now := time.Now()
	if now.Sub(db.looked) < lookEvery {
		return
	}
	db.looked = now
	for i := range db.files {
		changed, err := db.files[i].refresh()
		if err != nil {
			db.warn(fmt.Errorf("the old database of addresses stays in use: %w", err))
		}
		if changed {
			clear(db.recent)
			clear(db.earlier)
		}
	}
}

// find asks the databases, the first that knows something wins. A damaged record is as good as none.
func (db *DB) find(a netip.Addr) Place {
	p := Place{Kind: Kind(a)}
	if p.Kind != "" || !a.IsValid() {
		return p
	}
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
