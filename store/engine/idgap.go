package engine

import (
	"github.com/cockroachdb/pebble/v2"
)

// idGap is a stretch of ids that is known to be empty. The docs of a call come in the order of their ids, and mostly all of them
// fall between two ids that are there: lines of one log, when another one's of the same time came before. Then a look or two
// tell of all, where each doc would need one of its own.
type idGap struct {
	it       *pebble.Iterator
	from, to string // no id is from from on up to to
	open     bool   // to is no bound: there is none from from on
	looks    int    // how often the gap was looked for
	spared   int    // how many looks it has spared
}

// pays tells whether to look for the gap at all: among ids at random there is none worth it, and a look for one id is cheaper.
func (g *idGap) pays() bool { return g.looks < 4 || g.spared > g.looks }

// has tells whether id is known not to be there.
func (g *idGap) has(id string) bool {
	if g.looks == 0 || id < g.from || !g.open && id >= g.to {
		return false
	}
	g.spared++
	return true
}

// find looks for the gap that id is in. There is none if id is there.
func (g *idGap) find(d *DB, id string) (there, deleted bool, err error) {
	if g.it == nil {
		lo, hi := d.keys.space(subByID)
		if g.it, err = d.e.pdb.NewIter(&pebble.IterOptions{LowerBound: lo, UpperBound: hi}); err != nil {
			return false, false, readError(err)
		}
	}
	g.looks++
	ok := g.it.SeekGE(d.keys.byID(id))
	if err := g.it.Error(); err != nil {
		return false, false, readError(err)
	}
	g.from, g.to, g.open = id, id, !ok
	if !ok {
		return false, false, nil
	}
	if g.to = string(g.it.Key()[prefixLen:]); g.to > id {
		return false, false, nil
	}
	v, err := g.it.ValueAndErr()
	if err != nil {
		return false, false, readError(err)
	}
	_, deleted, _, err = parseIDHead(v)
	return true, deleted, err
}

func (g *idGap) close() {
	if g.it != nil {
		g.it.Close()
	}
	*g = idGap{}
}
