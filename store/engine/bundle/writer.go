package bundle

import (
	"encoding/binary"

	"logctl/store/ejson"
)

const (
	MaxDocs   = 512      // of a bundle
	maxBytes  = 64 << 10 // of the bodies in a bundle
	largeBody = 4 << 10  // a larger body is not worth the time to look for what it shares with others
)

// contentIDLen is the length of an id that is made of a doc's content, without the number of its repetition.
const contentIDLen = 34

const (
	idsOfContent byte = 0 // what follows the content's hash in the ids comes as a column
	idsAsTheyAre byte = 1 // the ids come as a column
)

// Writer gathers the docs of a bundle. The zero value is an empty one; ids and bodies are the caller's until Reset.
type Writer struct {
	docs    []doc
	shapes  []shape
	spans   []span // of the values of all docs
	size    int    // of the bodies
	values  [][]byte
	ids     []byte
	columns columnWriter
}

type doc struct {
	id     string
	body   []byte
	hashed bool
	shape  int
	spans  int // where its spans begin
}

// Reset empties the bundle.
func (w *Writer) Reset() {
	clear(w.docs)
	clear(w.values[:cap(w.values)])
	w.docs, w.shapes, w.spans, w.values = w.docs[:0], w.shapes[:0], w.spans[:0], w.values[:0]
	w.size = 0
}

// Add takes a doc; hashed is its store.Doc.Hashed. It reports whether there is room for it; a doc that no bundle has room for is
// large or has a shape that is hardly another doc's.
func (w *Writer) Add(id string, body []byte, hashed bool) bool {
	if len(w.docs) == MaxDocs || w.size+len(body) > maxBytes || len(body) > largeBody {
		return false
	}
	d := doc{id: id, body: body, hashed: hashed, spans: len(w.spans)}
	var ok bool
	if d.shape, ok = w.fit(body); !ok {
		return false
	}
	w.docs = append(w.docs, d)
	w.size += len(body)
	return true
}

// fit finds or makes the shape of a body and appends the spans of its values.
func (w *Writer) fit(body []byte) (int, bool) {
	start := len(w.spans)
	last := 0
	if len(w.docs) > 0 {
		last = w.docs[len(w.docs)-1].shape
	}
	for k := range w.shapes {
		i := (last + k) % len(w.shapes)
		var ok bool
		if w.spans, ok = w.shapes[i].match(w.spans, body); ok {
			return i, true
		}
		w.spans = w.spans[:start]
	}
	if len(w.shapes) == maxShapes {
		return 0, false
	}
	s, spans, ok := scanShape(w.spans, body)
	w.spans = spans
	if !ok {
		w.spans = w.spans[:start]
		return 0, false
	}
	w.shapes = append(w.shapes, s)
	return len(w.shapes) - 1, true
}

// Len is how many docs the bundle has.
func (w *Writer) Len() int { return len(w.docs) }

// Append appends the bundle, which is not empty.
func (w *Writer) Append(dst []byte) []byte {
	dst = w.appendIDs(dst)
	dst = binary.AppendUvarint(dst, uint64(len(w.shapes)))
	for i := range w.shapes {
		dst = w.shapes[i].append(dst)
	}
	if len(w.shapes) > 1 {
		for i := range w.docs {
			dst = append(dst, byte(w.docs[i].shape))
		}
	}
	for i := range w.shapes {
		for c := range len(w.shapes[i].pieces) - 1 {
			w.values = w.values[:0]
			for d := range w.docs {
				if doc := &w.docs[d]; doc.shape == i {
					s := w.spans[doc.spans+c]
					w.values = append(w.values, doc.body[s.start:s.end])
				}
			}
			dst = w.columns.append(dst, w.values)
		}
	}
	return dst
}

func (w *Writer) appendIDs(dst []byte) []byte {
	kind, cut := idsOfContent, contentIDLen
	for i := range w.docs {
		if !w.ofContent(&w.docs[i]) {
			kind, cut = idsAsTheyAre, 0
			break
		}
	}
	w.ids = w.ids[:0]
	for i := range w.docs {
		w.ids = append(w.ids, w.docs[i].id[cut:]...)
	}
	w.values = w.values[:0]
	for i, at := 0, 0; i < len(w.docs); i++ {
		end := at + len(w.docs[i].id) - cut
		w.values = append(w.values, w.ids[at:end])
		at = end
	}
	return w.columns.append(append(dst, kind), w.values)
}

// ofContent tells whether a doc's id begins with the one of its content.
func (w *Writer) ofContent(d *doc) bool {
	if len(d.id) < contentIDLen {
		return false
	}
	w.ids = w.shapes[d.shape].appendContentTime(w.ids[:0], d.body, w.spans[d.spans:])
	if !d.hashed {
		w.ids = ejson.AppendContentHash(w.ids, d.body)
	}
	return d.id[:len(w.ids)] == string(w.ids)
}
