package engine

import (
	"slices"
	"strings"

	"logctl/store/engine/bundle"
)

// Where docs that are written get what they are found by.

// opened makes the editor's finder, if it has none yet.
func (ed *editor) opened() (*finder, error) {
	if ed.finder != nil {
		return ed.finder, nil
	}
	f, err := ed.db.newFinder(ed.db.e.pdb)
	if err != nil {
		return nil, err
	}
	f.seqs.opened, ed.kept = ed.kept, nil
	ed.finder = f
	if err := ed.db.lanes.loadTops(f.spans); err != nil {
		return nil, err
	}
	f.tops = &ed.db.lanes.tops
	return f, nil
}

// keptBundles is how many bundles stay parsed from call to call.
const keptBundles = 8

// closeFinder gives the finder up. What it has read serves the next call but for bundles that this one has changed.
func (ed *editor) closeFinder(changed bool) {
	if ed.finder == nil {
		return
	}
	if !changed {
		ed.kept = ed.finder.seqs.opened
		ed.kept = ed.kept[max(0, len(ed.kept)-keptBundles):]
	}
	ed.finder.close()
	ed.finder = nil
}

// spanned finds a doc that is known by the span of its bundle; nil if there is none.
func (ed *editor) spanned(id string) (*bundled, int, error) {
	if !ed.db.lanes.maybe(id) {
		return nil, 0, nil
	}
	f, err := ed.opened()
	if err != nil {
		return nil, 0, err
	}
	return f.find(id)
}

// place finds the lane for a bundle's span, noLane if there is room in none.
func (ed *editor) place(s *span) (int, error) {
	if s.min[0] != s.max[0] { // highest takes a span's ids for those of one first byte
		return noLane, nil
	}
	f, err := ed.opened()
	if err != nil {
		return noLane, err
	}
	for lane := range lanesFor(s) {
		free := s.min > ed.db.lanes.tops[lane]
		if !free {
			if free, err = ed.isFree(f.spans, lane, s); err != nil {
				return noLane, err
			}
		}
		if free {
			return lane, nil
		}
	}
	return noLane, nil
}

// lanesFor is how many lanes a bundle may look for room in. A small one has little to win, and may be as wide as a large one; and ids
// that don't begin with a time may be spread over all that there are.
func lanesFor(s *span) int {
	const perLane = bundle.MaxDocs / maxLanes
	if !dated(s.min) || !dated(s.max) {
		return 1
	}
	return min(1+s.docs/perLane, maxLanes)
}

// isFree tells whether a span overlaps with none in a lane, nor with any that the batch puts there.
func (ed *editor) isFree(all *spans, lane int, s *span) (bool, error) {
	for i := range ed.placed {
		if p := &ed.placed[i]; p.lane == lane && p.min <= s.max && s.min <= p.max {
			return false, nil
		}
	}
	other, ok, err := all.notBefore(lane, s.min)
	for ok && err == nil && slices.Contains(ed.dropped, other.seq) {
		other, ok, err = all.next(lane)
	}
	return !ok || other.min > s.max, err
}

// placed is a span that the batch puts into a lane.
type placed struct {
	span
	lane int
}

// writeSpan puts a span into a lane.
func (ed *editor) writeSpan(lane int, s *span) {
	ed.buf = s.append(ed.buf[:0])
	ed.batch.Set(ed.db.keys.span(lane, s.max), ed.buf, nil)
	ed.placed = append(ed.placed, placed{*s, lane})
	ed.db.lanes.raise(lane, s)
}

// dropSpan deletes the span of a bundle that was opened.
func (ed *editor) dropSpan(b *bundled) {
	ids := b.index()
	ed.batch.Delete(ed.db.keys.span(b.lane, ids.ID(ids.At(b.n-1))), nil)
	ed.dropped = append(ed.dropped, b.last)
}

// dated tells whether an id is like one made of content that has a time.
func dated(id string) bool {
	t, ok := bundle.TimeOf(id)
	return ok && t > 0 && strings.HasPrefix(id[bundle.TimeLen:], "-")
}

// widestGap is where ids, which are in their order, are cut in two if there is more time between two of them than between all
// others: some late docs among those of now would make a span that everything between overlaps with. 0: nowhere.
func widestGap(list []pending) int {
	if len(list) < 2 {
		return 0
	}
	first, ok := bundle.TimeOf(list[0].id)
	last, ok2 := bundle.TimeOf(list[len(list)-1].id)
	if !ok || !ok2 {
		return 0
	}
	before := first
	for i := range list {
		t, _ := bundle.TimeOf(list[i].id)
		if t-before > (last-first)/2 {
			return i
		}
		before = max(before, t)
	}
	return 0
}
