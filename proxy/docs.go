package proxy

import (
	"bytes"
	"net/http"
	"strings"
	"sync"

	"logctl/store"
	"logctl/store/ejson"
)

// docs are those of one body, understood: of each the ID, a content id or "" for none, and the Body. A stranger's Body has no members
// that begin with an underscore.
type docs struct {
	single  bool // one object, not an array or lines
	list    []store.Doc
	scratch *scratch // where list and the texts in it are, to be used again; nil: they are the garbage collector's
}

// scratch is memory for the docs of a write.
type scratch struct {
	list []store.Doc
	text []byte
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// What of a parser is kept for a later request: bytes of text and docs of a list.
const (
	keepText = 1 << 20
	keepList = 1 << 13
)

// free gives up the docs.
func (d *docs) free() {
	s := d.scratch
	if s == nil || cap(s.text) > keepText || cap(d.list) > keepList {
		return
	}
	clear(d.list)
	s.list = d.list[:0]
	d.list, d.scratch = nil, nil
	scratches.Put(s)
}

// docsForm is how docs stand in a body.
type docsForm uint8

const (
	asJSON  docsForm = iota // an object or an array of them
	asLines                 // an object on each line
)

// formOf reads a Content-Type. Like CouchDB it wants lower case.
func formOf(r *http.Request) (docsForm, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch strings.TrimSpace(kind) {
	case "application/json":
		return asJSON, nil
	case "application/x-ndjson":
		return asLines, nil
	}
	return 0, store.NewError(store.KindBadContentType, "Content-Type must be application/json")
}

// docOverhead is what a doc takes in memory beyond its text: in docs, in what became of it, and in the answer.
const docOverhead = 384

// parser makes docs out of a body.
type parser struct {
	limits *Limits
	lease  *lease
	base   int64 // what the lease has to hold without the docs' overhead
	own    bool  // a signed-in caller's: the store decides what may be in them
	reject bool  // the docs are rejects, whose ids follow from their lines
	buf    []byte
	longer func(buf []byte, start int) []byte // Options.Extend, nil where nothing is added
	more   []byte                             // docs that Extend has made longer
	whole  bool                               // the id of the doc at hand follows from all of it
	out    docs
}

// parseDocs reads the docs of a body, for a database, that readBody has read with l. One that is not acceptable refuses all of them.
func (d *Door) parseDocs(db store.DBName, body []byte, form docsForm, own bool, l *lease) (docs, error) {
	p := &parser{limits: &d.o.Limits, lease: l, own: own, base: 3 * int64(len(body))} // the body, its stored form, room for longer numbers
	if err := l.Need(p.base); err != nil {
		return docs{}, err
	}
	p.longer = d.o.Extend
	if _, ok := db.RejectsOf(); ok { // lines, of which nobody knows yet what is an address
		p.reject, p.longer = true, nil
	}
	p.room(len(body), own || d.direct == nil)
	var err error
	switch {
	case form == asLines:
		err = p.lines(body)
	case own:
		err = ejson.Elements(body, p.addOwn)
	case firstByte(body) == '[':
		_, err = ejson.SplitDocs(p.buf, body, p.add)
	default:
		p.out.single = true
		err = p.addLine(body)
	}
	if err != nil {
		p.out.free()
		return docs{}, err
	}
	return p.out, nil
}

// room gives the docs memory. A transport may read docs after their request has failed, so what one gets is used for nothing else.
func (p *parser) room(size int, fresh bool) {
	if !fresh {
		s := scratches.Get().(*scratch)
		if cap(s.text) < size {
			s.text = make([]byte, 0, size)
		}
		p.buf, p.out.list, p.out.scratch = s.text[:0], s.list[:0], s
		return
	}
	p.buf = make([]byte, 0, size)
}

// lines reads a JSON object on each line that is not blank.
func (p *parser) lines(body []byte) error {
	for line := range bytes.Lines(body) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		add := p.addLine
		if p.own {
			add = p.addOwn
		}
		if err := add(line); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) addLine(line []byte) error {
	s, buf, err := ejson.SplitDoc(p.buf, line)
	if err != nil {
		return err
	}
	p.buf = buf
	return p.add(s)
}

// add adds a stranger's doc.
func (p *parser) add(s ejson.Split) error {
	if err := p.limits.check(s.Doc.ID, len(s.Doc.Body), s.Members, s.Depth); err != nil {
		return err
	}
	if err := p.checkDoc(&s); err != nil {
		return err
	}
	body, err := p.extend(s.Doc.Body)
	if err != nil {
		return err
	}
	hashed := s.HasID && p.whole && len(body) == len(s.Doc.Body)
	return p.append(store.Doc{ID: s.Doc.ID, Body: body, Hashed: hashed})
}

// extend gives a doc what the door adds to it, after its id has been held against what was sent: sent again, when something
// else would be added, it has the same id and is there already. A doc that would become too large stays as it is.
func (p *parser) extend(body []byte) ([]byte, error) {
	if p.longer == nil {
		return body, nil
	}
	start := len(p.more)
	p.more = p.longer(append(p.more, body...), start)
	longer := p.more[start:len(p.more):len(p.more)]
	if len(longer) == len(body) || int64(len(longer)) > p.limits.Doc {
		p.more = p.more[:start]
		return body, nil
	}
	p.base += 2 * int64(len(longer)) // a buffer that has grown leaves half as much behind
	return longer, p.lease.Need(p.base)
}

// addOwn adds a doc of a caller whose rights the store looks after: any object.
func (p *parser) addOwn(elem []byte) error {
	start := len(p.buf)
	buf, err := ejson.Compact(p.buf, elem)
	if err != nil {
		return err
	}
	p.buf = buf
	body := buf[start:len(buf):len(buf)]
	if body[0] != '{' {
		return store.NewError(store.KindBadRequest, "Document must be a JSON object")
	}
	return p.append(store.Doc{Body: body})
}

func (p *parser) append(d store.Doc) error {
	n := len(p.out.list)
	if int64(n) == p.limits.Docs {
		return store.NewError(store.KindTooLarge, "too many docs in one request")
	}
	if n%512 == 0 {
		if err := p.lease.Need(p.base + docOverhead*int64(n)); err != nil {
			return err
		}
	}
	p.out.list = append(p.out.list, d)
	return nil
}

// checkDoc holds a stranger's doc against what a new log entry may be: its members and, if it comes with an id, the one that
// follows from them. So nobody can overwrite, delete, branch or attach anything, take an id that is another doc's, or learn
// from a conflict about a doc that they don't have. In a database of rejects the
// id follows from the line alone, so what is said there about its circumstances is what the first to write it claims; so are a doc's labels. What
// CouchDB itself leaves out of a doc (_conflicts and the like) is left out here.
func (p *parser) checkDoc(s *ejson.Split) error {
	switch {
	case !s.Doc.Rev.IsZero():
		return forbidden("_rev")
	case s.Doc.Deleted:
		return forbidden("_deleted")
	case s.Attachments != nil:
		return forbidden("_attachments")
	case s.HasID && !p.follows(s):
		return store.NewError(store.KindForbidden, "Without an account, leave _id out or make it the one that follows from the document.")
	case s.Underscored != "":
		return forbidden(s.Underscored)
	}
	return nil
}

// follows tells whether the id of a stranger's doc follows from it, or from what it is without labels.
func (p *parser) follows(s *ejson.Split) bool {
	p.whole = false
	if p.reject {
		return ejson.CheckRejectID(s.Doc.ID, s.Doc.Body)
	}
	p.whole = s.HasContentID()
	return p.whole || ejson.CheckContentID(s.Doc.ID, ejson.WithoutLabels(s.Doc.Body))
}

func forbidden(member string) error {
	return store.NewError(store.KindForbidden, "Without an account, a document may not have "+member+".")
}

// firstByte is the first byte of a JSON text that is not white space, 0 if there is none.
func firstByte(b []byte) byte {
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c
		}
	}
	return 0
}
