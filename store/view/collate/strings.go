package collate

import (
	"bytes"
	"slices"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// The commonest weights of the two lower levels. No weight of the table is smaller.
const (
	commonSecondary = 0x20
	commonTertiary  = 0x02
)

// replacementPrimary makes U+FFFD sort behind everything but U+FFFF, as ICU does.
const replacementPrimary = 0x15FFFE

const replacement = "\uFFFD"

// asciiTable holds what ASCII characters weigh: a primary weight of their own in one byte (0: ignorable) and a tertiary
// weight. primaries are those weights, ascending; the n-th has the code 2n + firstPrimary + 1, and the even codes between
// them introduce all other weights, three bytes long, at their place.
type asciiTable struct {
	code      [utf8.RuneSelf]byte
	tertiary  [utf8.RuneSelf]byte
	primaries []int
	char      [256][32]byte // the character with that code and tertiary weight
	common    [256]byte     // the character with that code and the commonest tertiary weight
}

// tables and collators are made when they are first needed and never change what a key is; a Collator is not safe for
// concurrent use and dear to make.
var (
	tables    = sync.OnceValue(newASCIITable)
	collators = sync.Pool{New: func() any { return &collator{c: collate.New(language.Und)} }}
)

type collator struct {
	c   *collate.Collator
	buf collate.Buffer
}

// weights are a string's weights at each level, those that are zero left out.
type weights struct {
	primary, secondary []int
	tertiary           []byte
}

// weigh reads the weights out of a key made by package collate: primaries of two bytes, or three if the first has its high
// bit set, two zeros, secondaries of two bytes, two zeros, tertiaries.
func (c *collator) weigh(s []byte) weights {
	c.buf.Reset()
	k := c.c.Key(&c.buf, s)
	var w weights
	next := func() int {
		if len(k) < 2 {
			k = nil
			return 0
		}
		v := int(k[0])<<8 | int(k[1])
		k = k[2:]
		return v
	}
	for p := next(); p != 0; p = next() {
		if p >= 1<<15 && len(k) > 0 {
			p, k = p&(1<<15-1)<<8|int(k[0]), k[1:]
		}
		w.primary = append(w.primary, p)
	}
	for v := next(); v != 0; v = next() {
		w.secondary = append(w.secondary, v)
	}
	w.tertiary = k
	return w
}

func newASCIITable() *asciiTable {
	t := &asciiTable{}
	c := collators.Get().(*collator)
	defer collators.Put(c)
	var primary [utf8.RuneSelf]int
	for i := range t.code {
		if w := c.weigh([]byte{byte(i)}); len(w.primary) == 1 {
			primary[i], t.tertiary[i] = w.primary[0], w.tertiary[0]
			t.primaries = append(t.primaries, w.primary[0])
		}
	}
	slices.Sort(t.primaries)
	t.primaries = slices.Compact(t.primaries)
	for i, p := range primary {
		if p != 0 {
			n, _ := slices.BinarySearch(t.primaries, p)
			t.code[i] = byte(2*n + firstPrimary + 1)
			t.char[t.code[i]][t.tertiary[i]] = byte(i)
			if t.tertiary[i] == commonTertiary {
				t.common[t.code[i]] = byte(i)
			}
		}
	}
	return t
}

// appendString appends the weights of a string. plain tells that it can be made from them: printable ASCII.
func appendString(dst, s []byte) (key []byte, plain bool) {
	t := tables()
	start, lastTertiary := len(dst), -1
	plain = true
	for i, c := range s {
		if c >= utf8.RuneSelf {
			return t.appendUnicode(dst[:start], s), false
		}
		code := t.code[c]
		if code == 0 || c < ' ' {
			plain = false
			if code == 0 {
				continue
			}
		}
		if t.tertiary[c] != commonTertiary {
			lastTertiary = i
		}
		dst = append(dst, code)
	}
	if lastTertiary < 0 {
		return append(dst, keyEnd), plain
	}
	dst = append(dst, levelsFollow, levelsFollow)
	for _, c := range s[:lastTertiary+1] {
		if t.code[c] != 0 {
			dst = append(dst, t.tertiary[c]+tertiaryBase)
		}
	}
	return append(dst, keyEnd), plain
}

// appendUnicode is appendString for any string.
func (t *asciiTable) appendUnicode(dst, s []byte) []byte {
	c := collators.Get().(*collator)
	defer collators.Put(c)
	var secondary []int
	var tertiary []byte
	for len(s) > 0 {
		part, rest, special := bytes.Cut(s, []byte(replacement))
		w := c.weigh(part)
		for _, p := range w.primary {
			dst = t.appendPrimary(dst, p)
		}
		secondary, tertiary = append(secondary, w.secondary...), append(tertiary, w.tertiary...)
		if special {
			dst = t.appendPrimary(dst, replacementPrimary)
			secondary, tertiary = append(secondary, commonSecondary), append(tertiary, commonTertiary)
		}
		s = rest
	}
	for len(secondary) > 0 && secondary[len(secondary)-1] == commonSecondary {
		secondary = secondary[:len(secondary)-1]
	}
	for len(tertiary) > 0 && tertiary[len(tertiary)-1] == commonTertiary {
		tertiary = tertiary[:len(tertiary)-1]
	}
	if len(secondary) == 0 && len(tertiary) == 0 {
		return append(dst, keyEnd)
	}
	dst = append(dst, levelsFollow)
	for _, v := range secondary {
		dst = append(dst, byte(v>>8)+secondaryBase, byte(v))
	}
	if len(tertiary) > 0 {
		dst = append(dst, levelsFollow)
	}
	for _, v := range tertiary {
		dst = append(dst, v+tertiaryBase)
	}
	return append(dst, keyEnd)
}

func (t *asciiTable) appendPrimary(dst []byte, p int) []byte {
	n, own := slices.BinarySearch(t.primaries, p)
	if own {
		return append(dst, byte(2*n+firstPrimary+1))
	}
	return append(dst, byte(2*n+firstPrimary), byte(p>>16), byte(p>>8), byte(p))
}
