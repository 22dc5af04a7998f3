// Package collate turns JSON values into byte strings whose bytewise order is CouchDB's: null < false < true < numbers <
// strings by the Unicode collation algorithm (root locale, CouchDB's default strength) < arrays, element by element <
// objects, member by member in their own order. Values that CouchDB holds for equal have equal keys. The raw order is that
// of CouchDB's `"collation": "raw"`: numbers < false < null < true < objects < arrays < strings bytewise.
//
// A key ends by itself: no key is a proper prefix of another, so that keys may be followed by anything.
//
//	null, booleans   one byte
//	number           kind, then the double's bits in an order of bytes, 7 to a byte, the lowest bit saying that more follow
//	string           kind, primary weights, then 0x00 if all other weights are the commonest; else 0x01, secondary
//	                 weights, and 0x01 with tertiary weights if those are not the commonest, then 0x00
//	array            kind, the elements' keys, 0x00
//	object           kind, for each member the keys of its name and of its value, 0x00
//	raw string       kind, the bytes with 0x00 as 0x00 0xFF, then 0x00 0x00
//	scope            kind, the bytes with 0x00 as 0x00 0xFF, then 0x00 0x00; the key follows
//
// A primary weight that an ASCII character has takes one byte, any other four; the lists of other weights end with the last
// one that is not the commonest. So the key of a lower case ASCII string is two bytes longer than the string.
//
// The weights are golang.org/x/text's, of an older Unicode than CouchDB's ICU: characters of scripts and emoji that came
// after Unicode 6.2 sort behind all others by code point. Version tells which weights were used; keys of another Version are
// not comparable.
package collate

import "golang.org/x/text/collate"

// Version names the form of the keys and the table of weights in them.
const Version = "1-cldr" + collate.CLDRVersion

// Order is a way to compare JSON values.
type Order uint8

// The orders that a design document may ask for.
const (
	ICU Order = iota
	Raw
)

// Kinds: the first byte of a key. They stand on disk. 0x00 ends arrays and objects and is below all.
const (
	kindScope     = 0x08 // before a key: its scope
	kindNull      = 0x10
	kindFalse     = 0x20
	kindTrue      = 0x21
	kindNumber    = 0x30
	kindString    = 0x40
	kindArray     = 0x50
	kindObject    = 0x60
	rawNumber     = 0x80
	rawFalse      = 0x81
	rawNull       = 0x82
	rawTrue       = 0x83
	rawObject     = 0x84
	rawArray      = 0x85
	rawString     = 0x86
	keyEnd        = 0x00
	levelsFollow  = 0x01 // in a string: after the primaries, and before the tertiaries
	firstPrimary  = 0x02 // every code of a weight begins at this byte or above
	secondaryBase = 0x02
	tertiaryBase  = 0x02
)

// kinds of one Order.
type kinds struct{ null, no, yes, number, str, array, object byte }

var orders = [...]kinds{
	ICU: {kindNull, kindFalse, kindTrue, kindNumber, kindString, kindArray, kindObject},
	Raw: {rawNull, rawFalse, rawTrue, rawNumber, rawString, rawArray, rawObject},
}
