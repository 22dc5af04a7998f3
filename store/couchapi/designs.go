package couchapi

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"

	"logctl/store"
	"logctl/store/engine"
	"logctl/store/mango"
	"logctl/store/view"
	"logctl/store/view/js"
)

const (
	maxDesignDBs  = 1000 // databases whose design documents are kept in memory
	maxDesignDocs = 100  // design documents that are kept of one database
)

// rule is one validation function of a database, or why it can't be one: then it refuses every doc.
type rule struct {
	validator *js.Validator
	err       error
}

// designCache keeps what is compiled from the design documents of databases, and their security objects. All writes of
// design documents pass the handler, which tells the cache to forget what it has of that database.
type designCache struct {
	mu  sync.Mutex
	dbs map[string]*dbDesigns // guarded by mu; by instance
}

// dbDesigns is what is known of the design documents of one database, from the last change of one on.
type dbDesigns struct {
	once  sync.Once
	rules []rule
	err   error

	indexesOnce sync.Once
	indexList   []*mango.Index
	indexesErr  error

	security atomic.Pointer[security]

	mu     sync.Mutex
	parsed map[string]parsedDesign // guarded by mu; by id
	filter map[string]*js.Filter   // guarded by mu; by design document, kind and name

	renderer map[string]*js.Renderer // guarded by mu; by design document, kind, name and revision
}

type parsedDesign struct {
	rev    store.Rev
	design *view.Design
	body   []byte
}

// json is the whole document, as its functions see it.
func (p parsedDesign) json() []byte {
	doc := store.Doc{ID: p.design.ID(), Rev: p.rev, Body: p.body}
	return doc.AppendJSON(nil)
}

func newDesignCache() *designCache { return &designCache{dbs: map[string]*dbDesigns{}} }

func (c *designCache) of(instance string) *dbDesigns {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.dbs[instance]
	if d == nil {
		if len(c.dbs) >= maxDesignDBs {
			clear(c.dbs)
		}
		d = &dbDesigns{parsed: map[string]parsedDesign{}, filter: map[string]*js.Filter{}, renderer: map[string]*js.Renderer{}}
		c.dbs[instance] = d
	}
	return d
}

// forget drops what is known of a database.
func (c *designCache) forget(instance string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.dbs, instance)
}

// rules are the validation functions of a database, compiled once after each change of a design document.
func (c *designCache) rules(ctx context.Context, db *engine.DB) ([]rule, error) {
	d := c.of(db.Instance())
	d.once.Do(func() {
		// Others wait for this: it must not end because this client has gone.
		d.rules, d.err = loadRules(context.WithoutCancel(ctx), db)
	})
	if d.err != nil {
		c.forget(db.Instance())
	}
	return d.rules, d.err
}

func loadRules(ctx context.Context, db *engine.DB) ([]rule, error) {
	var rules []rule
	err := db.AllDocs(ctx, designRange(), true, func(doc store.Doc) bool {
		var d struct {
			Validate string `json:"validate_doc_update"`
			Language string `json:"language"`
		}
		if json.Unmarshal(doc.Body, &d) != nil || d.Validate == "" {
			return true
		}
		v, err := js.NewValidator(d.Validate, js.Options{Design: doc.AppendJSON(nil)})
		if e := (*store.Error)(nil); errors.As(err, &e) && e.Kind == store.KindCompilation {
			err = &store.Error{Kind: store.KindInternal, Word: e.Kind.Word(), Reason: e.Reason}
		}
		rules = append(rules, rule{v, err})
		return true
	})
	return rules, err
}

func designRange() engine.IDRange {
	return engine.IDRange{Start: designPrefix, End: "_design0", HasStart: true, HasEnd: true, ExclusiveEnd: true}
}

// parseDesign reads a design document of a database.
func parseDesign(db *engine.DB, doc *store.Doc) (*view.Design, error) {
	d, err := view.ParseDesign(doc.ID, doc.Body)
	if err != nil {
		return nil, err
	}
	return d.In(db.Partitioned())
}

// design reads and parses the design document of that id.
func (x *exchange) design(id string) (parsedDesign, error) {
	doc, err := x.db.Get(id)
	if err != nil {
		return parsedDesign{}, err
	}
	d := x.h.designs.of(x.db.Instance())
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, ok := d.parsed[id]; ok && p.rev == doc.Rev {
		return p, nil
	}
	parsed, err := parseDesign(x.db, &doc)
	if err != nil {
		return parsedDesign{}, err
	}
	if len(d.parsed) >= maxDesignDocs {
		clear(d.parsed)
	}
	p := parsedDesign{rev: doc.Rev, design: parsed, body: doc.Body}
	d.parsed[id] = p
	return p, nil
}

// validate asks the validation functions about a doc; old is nil for a new one.
func (x *exchange) validate(doc, old *store.Doc, rules []rule) error {
	if len(rules) == 0 {
		return nil
	}
	var oldJSON []byte
	if old != nil {
		shown, _, err := x.show(*old, docOptions{revs: true})
		if err != nil {
			return err
		}
		oldJSON = shown.append(nil)
	}
	newJSON := doc.AppendJSON(nil)
	if !doc.Rev.IsZero() {
		newJSON = append(appendRevisions(newJSON[:len(newJSON)-1], doc.Rev, doc.Ancestors), '}')
	}
	ctx, err := json.Marshal(struct {
		DB string `json:"db"`
		userCtx
	}{string(x.db.Name()), ctxOf(x.caller)})
	if err != nil {
		return err
	}
	for _, r := range rules {
		if r.err != nil {
			return r.err
		}
		if err := r.validator.Validate(newJSON, oldJSON, ctx, x.security.raw); err != nil {
			return err
		}
	}
	return nil
}
