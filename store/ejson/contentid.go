package ejson

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"strings"
)

// A content id, in the order of the bytes:
//
//	20170614171612329 - 9q2s4tg1kd07vbn3 - 2
//	time, 17 digits     hash, 16 chars     repetition, absent for the first
//
// time: the digits, in their order, of the member "time", else of "date" followed by "hour", cut or filled up with
// zeros to 17: 2017-06-14 17:16:12,329. Only text and numbers count; a doc without a time has 17 zeros.
//
// hash: the first 80 bits of the SHA-256 of the body, in base32hex (RFC 4648) in lower case, which sorts as the bits
// do.
//
// repetition: "-1" for the second doc that is equal to the first, "-2" for the third.
const (
	timeDigits = 17
	hashBits   = 80
	hashChars  = hashBits / 5
)

const base32hex = "0123456789abcdefghijklmnopqrstuv"

// AppendContentID appends the id that a doc gets from its content: body is in stored form and has no _id, n counts the
// equal docs before it in its source. Docs sort by their time, a doc that is sent again has the id it had, and anybody
// can check an id by the doc; see CheckContentID.
func AppendContentID(dst, body []byte, n uint32) []byte {
	dst = AppendContentHash(append(appendTime(dst, body), '-'), body)
	if n > 0 {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(n), 10)
	}
	return dst
}

// AppendContentHash appends the hash of a content id.
func AppendContentHash(dst, body []byte) []byte {
	sum := sha256.Sum256(body)
	var acc uint32
	bits := 0
	for _, b := range sum[:hashBits/8] {
		acc = acc<<8 | uint32(b)
		bits += 8
		for bits >= 5 {
			bits -= 5
			dst = append(dst, base32hex[acc>>bits&31])
		}
	}
	return dst
}

// CheckContentID tells whether id is one that AppendContentID gives to body, with any n.
func CheckContentID(id string, body []byte) bool {
	var buf [idLength]byte
	return checkContentID(id, AppendContentID(buf[:0], body, 0))
}

// idLength is that of a content id without a repetition.
const idLength = timeDigits + 1 + hashChars

// checkContentID tells whether id is first, a content id without a repetition, or one of its repetitions.
func checkContentID(id string, first []byte) bool {
	if len(id) < idLength || id[:idLength] != string(first) {
		return false
	}
	if len(id) == idLength {
		return true
	}
	digits, ok := strings.CutPrefix(id[idLength:], "-")
	n, err := strconv.ParseUint(digits, 10, 32)
	return ok && err == nil && n > 0 && digits[0] != '0'
}

// HasContentID is CheckContentID of the doc and its id, for less.
func (s *Split) HasContentID() bool {
	if s.times.odd {
		return CheckContentID(s.Doc.ID, s.Doc.Body)
	}
	var buf [idLength]byte
	t := &s.times
	return checkContentID(s.Doc.ID, AppendContentHash(append(AppendContentTime(buf[:0], t.time, t.date, t.hour), '-'), s.Doc.Body))
}

// contentTimes are the members of a doc that a content id has its time from, while they are read.
type contentTimes struct {
	time, date, hour []byte
	odd              bool // one of them differs in the stored form, maybe
}

// note takes a member that is the last of its name.
func (t *contentTimes) note(name, value []byte) {
	var to *[]byte
	switch string(name) {
	case "time":
		to = &t.time
	case "date":
		to = &t.date
	case "hour":
		to = &t.hour
	default:
		return
	}
	*to = value
	t.odd = t.odd || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0
}

// appendTime appends the 17 digits of a body's time.
func appendTime(dst, body []byte) []byte {
	var time, date, hour []byte
	p := newReader(body)
	defer p.free()
	if p.document(p.readMembers) == nil {
		for i := range p.members {
			m := &p.members[i]
			switch string(p.name(m)) {
			case "time":
				time = body[m.value:m.valueEnd]
			case "date":
				date = body[m.value:m.valueEnd]
			case "hour":
				hour = body[m.value:m.valueEnd]
			}
		}
	}
	return AppendContentTime(dst, time, date, hour)
}

// AppendContentTime appends the time of a content id, made of the values of the body's members of these names, as they stand
// there; nil where there is none.
func AppendContentTime(dst, time, date, hour []byte) []byte {
	start := len(dst)
	dst = appendDigits(dst, start+timeDigits, time)
	if len(dst) == start {
		dst = appendDigits(dst, start+timeDigits, date)
		if len(dst) > start {
			dst = appendDigits(dst, start+timeDigits, hour)
		}
	}
	for len(dst) < start+timeDigits {
		dst = append(dst, '0')
	}
	return dst
}

// appendDigits appends the digits in a JSON string or number until dst is max long.
func appendDigits(dst []byte, max int, value []byte) []byte {
	if len(value) == 0 || value[0] == '{' || value[0] == '[' {
		return dst
	}
	for i := 0; i < len(value) && len(dst) < max; i++ {
		switch c := value[i]; {
		case c == '\\' && i+1 < len(value) && value[i+1] == 'u': // none follows in what a damaged record makes of a number
			i += 5 // the digits of a control character's code are none of the text
		case c >= '0' && c <= '9':
			dst = append(dst, c)
		}
	}
	return dst
}
