package learn

// shape is a kind of line: all lines with one signature.
type shape struct {
	sig     string
	bare    bool // the lines have no header, though others do
	lines   int
	example int // the first line
	group   int
}

// table finds the shapes of lines.
type table struct {
	header *header
	masker masker
	shapes []*shape
	index  map[string]int
	key    []byte // buffers
	pieces []piece
	of     []int32 // the shape of each line
	groups []*group
	blanks [maxColumns + 1]bool // of each column of the header, whether lines have blanks in it
}

// Signatures of messages that say themselves what their parts are.
const (
	jsonSignature  = "{json}"
	pairsSignature = "{key=value}"
)

// add files a line.
func (t *table) add(line []byte) {
	var at int
	t.pieces, at = t.header.parse(line, t.pieces[:0])
	for c, p := range t.pieces {
		t.blanks[c] = t.blanks[c] || p.hasBlanks(line)
	}
	msg := line[at:]
	bare := len(t.pieces) == 0 && len(t.header.columns) > 0
	t.key = t.key[:0]
	if bare {
		t.key = append(t.key, ' ') // no signature begins with a blank
	}
	switch {
	case isJSON(msg):
		t.key = append(t.key, jsonSignature...)
	case isPairs(msg):
		t.key = append(t.key, pairsSignature...)
	default:
		t.key = append(t.key, t.masker.signature(msg)...)
	}
	k, ok := t.index[string(t.key)]
	if !ok {
		k = len(t.shapes)
		sig := string(t.key)
		t.index[sig] = k
		if bare {
			sig = sig[1:]
		}
		t.shapes = append(t.shapes, &shape{sig: sig, bare: bare, example: len(t.of)})
	}
	t.shapes[k].lines++
	t.of = append(t.of, int32(k))
}
