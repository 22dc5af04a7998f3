package format

import (
	"slices"

	"logctl/format/token"
)

// op is what a part of a schema does.
type op uint8

const (
	opLiteral   op = iota // itself
	opBlank               // one or more blanks
	opTake                // a capture or a skip, until it is compiled to one of the next five
	opRun                 // takes a whole run of non-blanks
	opUpTo                // takes the part of a run before what follows it
	opText                // takes as little as can be before what follows it, blanks included
	opPrefix              // takes what can be told from its beginning, blanks included
	opRest                // takes the rest of the line
	opGroup               // something that may be absent
	opEnd                 // nothing
	opDelimiter           // the end of a column
)

// node is a part of a compiled schema.
type node struct {
	op       op
	kind     kind
	empty    bool
	soft     bool
	last     bool // nothing follows what it takes
	slot     int8 // -1: taken and dropped
	next     int32
	inner    int32    // of an opGroup: its first node; its last is followed by next
	absent   uint64   // of an opGroup: the slots that are not taken without it
	literal  []byte   // of an opLiteral
	follows  []follow // of an opUpTo or opText: what may come behind it
	from, to int32    // in the schema's text
}

// follow is a node that may come behind another, and the slots of the groups between them, which are then absent.
type follow struct {
	node   int32
	absent uint64
}

// program is a compiled schema.
type program struct {
	text        string
	names       []string
	takes       []item // of the captures, as names
	label       string
	nodes       []node
	start       int32
	blankBefore bool // the schema begins with a blank: the match begins where a run of non-blanks does
	blankAfter  bool // it ends with one: the match ends where a run of non-blanks does
	whole       bool // it begins with the line and ends with it, blanks aside
	delimiter   byte // of columns, 0 for none
	columns     []column
	words       []word // nil if it is not straight
	all         uint64 // all slots
}

// compile makes a program of a schema's text. Its error is a *SyntaxError.
func compile(text string, delimiter byte, whole bool) (*program, error) {
	p := &parser{text: text, delim: delimiter}
	items, err := p.parse()
	if err != nil {
		return nil, err
	}
	prog := &program{text: text, names: p.names, takes: p.takes, label: p.label, delimiter: delimiter, whole: whole}
	if delimiter != 0 {
		return prog, prog.readColumns(p, items)
	}
	if items[0].op == opBlank {
		prog.blankBefore = true
		items = items[1:]
	}
	if last := len(items) - 1; items[last].op == opBlank {
		prog.blankAfter = true
		items = items[:last]
	}
	items = ownWords(items)
	if _, err := p.check(items, before{}); err != nil {
		return nil, err
	}
	prog.add(item{op: opEnd, from: len(text), to: len(text)}, 0)
	prog.start = prog.addAll(items, 0)
	for i := range prog.nodes {
		if n := &prog.nodes[i]; n.op == opTake {
			prog.complete(n)
		}
	}
	prog.words, prog.all = prog.straighten(), slots(items)
	return prog, nil
}

// ownWords moves the blank before each group that is a word of its own into it, since it is absent with the group.
func ownWords(items []item) []item {
	for i := range items {
		items[i].inner = ownWords(items[i].inner)
	}
	for i := 1; i < len(items); i++ {
		if items[i].op != opGroup || items[i-1].op != opBlank || i+1 < len(items) && items[i+1].op != opBlank {
			continue
		}
		if items[i].inner[0].op != opBlank {
			items[i].inner = slices.Insert(items[i].inner, 0, items[i-1])
		}
		items = slices.Delete(items, i-1, i)
		i--
	}
	return items
}

// before says what may stand directly before a place in a schema, over all ways to come there.
type before struct {
	started bool // there is something, whatever is absent
	literal bool // it is a literal, whatever is absent
	blank   bool // it may be a blank
	takes   bool // it may be a part that takes text
	rest    bool // it may be a part that takes the rest of the line
}

// check refuses items that can't follow each other, and notes on each what it needs to know of what is before it.
func (p *parser) check(items []item, c before) (before, error) {
	for i := range items {
		it := &items[i]
		if c.rest && it.op != opBlank {
			return c, p.fail(it.from, "nothing may follow a capture of the rest of the line")
		}
		switch it.op {
		case opLiteral:
			c = before{started: true, literal: true}
		case opBlank:
			it.soft = c.blank || !c.started
			c = before{started: true, blank: true, rest: c.rest}
		case opTake:
			if c.takes {
				return c, p.fail(it.from, "two parts that take text need a blank or a literal between them")
			}
			it.empty = c.literal && (it.kind == kindRun || it.kind == kindText)
			c = before{started: true, takes: true, rest: it.kind == kindRest || it.spread}
		case opGroup:
			with, err := p.check(it.inner, c)
			if err != nil {
				return c, err
			}
			c = before{
				started: c.started, literal: c.literal && with.literal, blank: c.blank || with.blank, takes: c.takes || with.takes, rest: c.rest || with.rest,
			}
		}
	}
	return c, nil
}

// addAll adds nodes for items that are followed by next, and gives the first.
func (p *program) addAll(items []item, next int32) int32 {
	for i := len(items) - 1; i >= 0; i-- {
		next = p.add(items[i], next)
	}
	return next
}

func (p *program) add(it item, next int32) int32 {
	n := node{op: it.op, kind: it.kind, empty: it.empty, soft: it.soft, slot: int8(it.slot), next: next, literal: it.literal,
		from: int32(it.from), to: int32(it.to)}
	if it.op != opTake {
		n.slot = -1
	}
	if it.spread {
		n.op = opRest
	}
	if it.op == opGroup {
		n.inner = p.addAll(it.inner, next)
		n.absent = slots(it.inner)
	}
	p.nodes = append(p.nodes, n)
	return int32(len(p.nodes) - 1)
}

// slots are the slots of all captures in items.
func slots(items []item) uint64 {
	var set uint64
	for i := range items {
		if items[i].op == opTake && items[i].slot >= 0 {
			set |= 1 << items[i].slot
		}
		set |= slots(items[i].inner)
	}
	return set
}

// complete finds out how a part that takes text knows where to end.
func (p *program) complete(n *node) {
	n.last = n.next == 0
	switch {
	case n.kind == kindRest:
		n.op = opRest
		return
	case n.kind == kindText:
		n.follows = p.follow(nil, n.next, 0, map[int32]bool{})
		n.op = opText
		return
	case !n.kind.inRun():
		n.op = opPrefix
		return
	}
	n.follows = p.follow(nil, n.next, 0, map[int32]bool{})
	n.op = opUpTo
	if f := n.follows[0]; len(n.follows) == 1 && p.nodes[f.node].op != opLiteral {
		n.op, n.next, n.follows = opRun, f.node, nil
	}
}

// follow appends the nodes other than groups that may come at n. With a group comes before without.
func (p *program) follow(all []follow, n int32, absent uint64, seen map[int32]bool) []follow {
	if seen[n] {
		return all
	}
	seen[n] = true
	nd := &p.nodes[n]
	if nd.op != opGroup {
		return append(all, follow{n, absent})
	}
	return p.follow(p.follow(all, nd.inner, absent, seen), nd.next, absent|nd.absent, seen)
}

// first are the bytes that the program begins with, or nil where it may begin with something else than a literal.
func (p *program) first() []byte {
	if n := &p.nodes[p.start]; n.op == opLiteral {
		return n.literal
	}
	return nil
}

// startsAnywhere tells whether the program begins with the rest of the line.
func (p *program) startsAnywhere() bool { return p.nodes[p.start].op == opRest }

// isBoundary tells whether a run of non-blanks begins at i.
func isBoundary(b []byte, i int) bool { return i == 0 || token.IsBlank(b[i-1]) }
