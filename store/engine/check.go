package engine

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"logctl/store"
	"logctl/store/ejson"
)

// Checked tells what a check of a database saw.
type Checked struct {
	Docs, Deleted uint64 // whose latest change could be read, and agrees with what is kept under their ids
	Damaged       uint64 // docs that could not, as far as they are known
}

// Check reads all docs of the database by sequence and by id and compares the two with each other and with the counters. It calls report
// for what is wrong, a few of a kind by name. It goes on behind what can't be read, so that Checked tells what can. Nothing may be written
// meanwhile. The error is of what ends the check.
func (d *DB) Check(ctx context.Context, report func(Damage)) (Checked, error) {
	r, err := d.NewReader()
	if err != nil {
		return Checked{}, err
	}
	defer r.Close()
	c := checker{db: d, docs: r, report: report, said: map[string]int{}}
	if err := c.changes(ctx); err != nil {
		return c.Checked, err
	}
	if err := c.ids(ctx); err != nil {
		return c.Checked, err
	}
	c.counters()
	for _, what := range c.order {
		if n := c.said[what]; n > maxSaid {
			c.report(Damage{d.name, fmt.Sprintf("%s: %d more like these", what, n-maxSaid)})
		}
	}
	return c.Checked, nil
}

// maxSaid is how many damages of a kind are told one by one; maxSkip is how many docs are passed over behind as many that can't be read.
const (
	maxSaid = 10
	maxSkip = 500
)

type checker struct {
	Checked
	db     *DB
	docs   *Reader
	report func(Damage)
	said   map[string]int // how many of a kind there are
	order  []string

	seen     uint64 // docs by sequence
	failed   int    // docs in a row that can't be looked up
	skip     int    // docs that are not looked up after those
	external uint64 // bytes of the winners
	gaps     []gap  // sequences that can't be read
}

// gap is a range of sequences, both ends excluded.
type gap struct{ after, before uint64 }

func (c *checker) say(what, format string, args ...any) {
	if c.said[what]++; c.said[what] == 1 {
		c.order = append(c.order, what)
	}
	if c.said[what] <= maxSaid {
		c.report(Damage{c.db.name, what + ": " + fmt.Sprintf(format, args...)})
	}
}

// isDamage tells whether an error says that what was read is damaged. Other errors end a check.
func isDamage(err error) bool { return store.IsKind(err, store.KindCorrupt) }

// changes goes over all docs in the order of their sequences, around what can't be read.
func (c *checker) changes(ctx context.Context) error {
	last := uint64(0)
	for {
		var bad error
		err := c.db.Changes(ctx, ChangesOptions{Since: last, Bodies: true, Conflicts: true}, func(ch store.Change) bool {
			last = ch.Seq
			bad = c.change(&ch)
			return bad == nil
		})
		switch {
		case bad != nil:
			return bad
		case err == nil:
			return nil
		case !isDamage(err):
			return err
		}
		next, found, err2 := c.resume(ctx, last)
		if err2 != nil {
			return err2
		}
		if !found {
			c.say("docs", "sequences after %d can't be read: %v", last, err)
			c.gaps = append(c.gaps, gap{last, math.MaxUint64})
			return nil
		}
		c.say("docs", "sequences between %d and %d can't be read: %v", last, next, err)
		c.gaps = append(c.gaps, gap{last, next})
		last = next - 1
	}
}

// resume finds the first sequence after a place where reading fails from which on it works again.
func (c *checker) resume(ctx context.Context, after uint64) (next uint64, found bool, err error) {
	try := func(since uint64) (first uint64, ok bool, err error) {
		err = c.db.Changes(ctx, ChangesOptions{Since: since, Bodies: true, Conflicts: true}, func(ch store.Change) bool {
			first = ch.Seq
			return false
		})
		if isDamage(err) {
			return 0, false, nil
		}
		return first, err == nil, err
	}
	bad, good, last := after, uint64(0), c.db.UpdateSeq()
	for step := uint64(1); good == 0; step *= 2 {
		since := min(after+step, last)
		first, ok, err := try(since)
		switch {
		case err != nil:
			return 0, false, err
		case ok && first == 0, !ok && since == last:
			return 0, false, nil // nothing is behind it
		case ok:
			good, next = since, first
		default:
			bad = since
		}
	}
	for good-bad > 1 {
		middle := bad + (good-bad)/2
		first, ok, err := try(middle)
		switch {
		case err != nil:
			return 0, false, err
		case ok:
			good, next = middle, first
		default:
			bad = middle
		}
	}
	return next, true, nil
}

// change checks one doc. The error ends the check.
func (c *checker) change(ch *store.Change) error {
	doc := &ch.Doc
	c.seen++
	if c.skip > 0 {
		c.skip--
		c.Damaged++
		c.say("docs", "%s at sequence %d: not looked for under its id, as others before it can't be read there", quoteID(doc.ID), ch.Seq)
		return nil
	}
	problem, err := c.doc(ch)
	if c.failed++; !isDamage(err) {
		c.failed = 0
	} else if c.failed >= maxSaid {
		c.skip = min(c.failed, maxSkip) // looking into a bad block takes long
	}
	if err != nil && !isDamage(err) {
		return err
	}
	if problem == "" && err != nil {
		problem = err.Error()
	}
	if problem != "" {
		c.Damaged++
		c.say("docs", "%s at sequence %d: %s", quoteID(doc.ID), ch.Seq, problem)
		return nil
	}
	c.external += uint64(len(doc.Body))
	for i := range doc.Attachments {
		c.external += uint64(doc.Attachments[i].Length)
	}
	if doc.Deleted {
		c.Deleted++
	} else {
		c.Docs++
	}
	return nil
}

func quoteID(id string) string { return strconv.QuoteToGraphic(id) }

// doc tells what is wrong with a doc.
func (c *checker) doc(ch *store.Change) (problem string, err error) {
	doc := &ch.Doc
	stored, err := ejson.Compact(nil, doc.Body)
	switch {
	case doc.ID == "":
		return "it has no id", nil
	case err != nil || !bytes.Equal(stored, doc.Body):
		return "its body is not JSON in stored form", nil
	}
	if problem, err := c.attachments(doc); problem != "" || err != nil {
		return problem, err
	}
	f, err := c.docs.find(doc.ID)
	switch {
	case store.IsKind(err, store.KindNotFound):
		return "it is not kept under its id", nil
	case err != nil:
		return "", err
	case f.seq != ch.Seq:
		return fmt.Sprintf("under its id it is at sequence %d", f.seq), nil
	}
	winner, revs, err := c.docs.Revs(doc.ID)
	switch {
	case err != nil:
		return "", err
	case winner != doc.Rev:
		return fmt.Sprintf("under its id the winner is %s, here it is %s", winner, doc.Rev), nil
	}
	leaves := 0
	for i, r := range revs {
		if r.Leaf {
			leaves++
		}
		if i == 0 && r.Deleted != doc.Deleted {
			return fmt.Sprintf("under its id deleted is %v, here it is %v", r.Deleted, doc.Deleted), nil
		}
		if !r.Available || i == 0 {
			continue
		}
		if old, err := c.docs.GetRev(doc.ID, r.Rev); err != nil {
			return fmt.Sprintf("revision %s can't be read: %v", r.Rev, err), nil
		} else if stored, err := ejson.Compact(nil, old.Body); err != nil || !bytes.Equal(stored, old.Body) {
			return fmt.Sprintf("the body of revision %s is not JSON in stored form", r.Rev), nil
		} else if problem, err := c.attachments(&old); problem != "" || err != nil {
			return problem, err
		}
	}
	if leaves != len(ch.Conflicts)+1 {
		return fmt.Sprintf("its tree has %d leaves, its change tells of %d", leaves, len(ch.Conflicts)+1), nil
	}
	return "", nil
}

// attachments reads a doc's attachments to their ends.
func (c *checker) attachments(doc *store.Doc) (problem string, err error) {
	for _, a := range doc.Attachments {
		n, err := io.Copy(io.Discard, c.db.Attachment(a))
		switch {
		case err != nil && !isDamage(err) && !store.IsKind(err, store.KindNotFound):
			return "", err
		case err != nil:
			return fmt.Sprintf("its attachment %s can't be read: %v", quoteID(a.Name), err), nil
		case n != a.Stored:
			return fmt.Sprintf("its attachment %s has %d bytes of %d", quoteID(a.Name), n, a.Stored), nil
		}
	}
	return "", nil
}

// ids goes over the docs by id: those at sequences that can't be read are told by name, and there must be no others than by sequence.
func (c *checker) ids(ctx context.Context) error {
	var all, lost uint64
	lo, hi := c.db.keys.space(subByID)
	err := c.db.e.scan(lo, hi, func(k, v []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		all++
		seq, _, _, err := parseIDHead(v)
		if err == nil && c.inGap(seq) {
			lost++
			c.Damaged++
			c.say("docs that can't be read", "%s", quoteID(string(k[prefixLen:])))
		}
		return err
	})
	if err == nil {
		var more uint64
		more, err = c.spans(ctx)
		all += more
	}
	switch {
	case err != nil && !isDamage(err):
		return err
	case err != nil:
		c.say("ids", "the docs can't be listed by id: %v", err)
	case all != c.seen+lost:
		c.say("ids", "%d docs by id, %d by sequence", all, c.seen+lost)
	}
	return nil
}

func (c *checker) inGap(seq uint64) bool {
	for _, g := range c.gaps {
		if seq > g.after && seq < g.before {
			return true
		}
	}
	return false
}

// counters compares what was counted with what the database says of itself.
func (c *checker) counters() {
	if len(c.said) > 0 {
		return // they can't agree
	}
	s := c.db.Stats()
	var wrong []string
	for _, n := range [...]struct {
		name        string
		says, there uint64
	}{
		{"docs", s.DocCount, c.Docs}, {"deleted docs", s.DelDocCount, c.Deleted}, {"bytes of docs", uint64(s.ExternalSize), c.external},
	} {
		if n.says != n.there {
			wrong = append(wrong, fmt.Sprintf("%d %s, there are %d", n.says, n.name, n.there))
		}
	}
	if len(wrong) > 0 {
		c.say("counters", "say %s", strings.Join(wrong, "; "))
	}
}
