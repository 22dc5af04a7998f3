package engine

import (
	"context"
	"fmt"
)

// spans goes over the spans of bundles, lane by lane, and counts the docs that are known by them.
func (c *checker) spans(ctx context.Context) (docs uint64, err error) {
	f, err := c.db.newFinder(c.db.e.pdb)
	if err != nil {
		return 0, err
	}
	defer f.close()
	for lane := range maxLanes {
		before := ""
		s, ok, err := f.spans.notBefore(lane, "")
		for ; ok && err == nil; s, ok, err = f.spans.next(lane) {
			if err := ctx.Err(); err != nil {
				return docs, err
			}
			if s.min <= before {
				c.say("spans", "that from %s to %s overlaps with the one before it in lane %d", quoteID(s.min), quoteID(s.max), lane)
			}
			before = s.max
			here, problem, err := checkSpan(f.seqs, lane, &s)
			switch {
			case isDamage(err):
				c.Damaged += uint64(s.docs)
				c.say("docs that can't be read", "%d from %s to %s", s.docs, quoteID(s.min), quoteID(s.max))
			case err != nil:
				return docs, err
			case problem != "":
				c.say("spans", "that from %s to %s: %s", quoteID(s.min), quoteID(s.max), problem)
			}
			docs += uint64(here)
		}
		if err != nil {
			return docs, err
		}
	}
	return docs, nil
}

// checkSpan holds a span against its bundle, and tells how many docs are still in that.
func checkSpan(seqs *seqReader, lane int, s *span) (docs int, problem string, err error) {
	b, err := seqs.open(s.seq)
	if err != nil {
		return 0, "", err
	}
	ids := b.index()
	last := ""
	for place := range b.n {
		id := ids.ID(ids.At(place))
		if id <= last {
			problem = fmt.Sprintf("%s is not in its place", quoteID(id))
		}
		last = id
	}
	switch {
	case b.lane != lane || b.n != s.docs:
		problem = "its bundle does not know of it"
	case ids.ID(ids.At(0)) != s.min || last != s.max:
		problem = "its bundle has other ids"
	}
	return b.n - len(b.gone), problem, nil
}
