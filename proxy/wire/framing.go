package wire

import (
	"bytes"
	"math"
	"sync/atomic"
)

// framing reads along the requests of an HTTP/1 connection, before net/http does, and finds those that another server could end at another
// place, or see other fields in, though net/http takes them without a word: one with both a Content-Length and a Transfer-Encoding,
// whose length it hides; the same length given twice; a field folded into several lines; lines that end in a bare LF; a
// Transfer-Encoding in HTTP/1.0. Where net/http finds for itself that a request is none, such as by a blank in a field's name, it ends
// the connection, and what framing thinks of the rest does not count. Nothing of the requests is kept, and bodies are skipped by their
// lengths.
//
// read belongs to one goroutine at a time; refuses may be asked by another.
type framing struct {
	// bad is the first request that must not be answered, the connection's first being 1: it has more than one reading, or comes
	// behind a body in chunks, which framing does not follow. 0: none so far. From there on framing reads nothing.
	bad atomic.Int64

	requests int64 // headers that have been read to their ends
	body     int64 // bytes of the body that are to come

	state   framingState
	field   framingField // whose line is read
	matched uint8        // of the name, or of the coding, so many bytes are as expected
	fields  uint8        // of the request that tell where its body ends: 0 or 1
	chunked bool         // that is a Transfer-Encoding
	length  int64        // what Content-Length says
	version uint64       // the last eight bytes of the request's first line
}

// framingState is where in a request the next byte stands.
type framingState uint8

const (
	beforeRequest   framingState = iota // empty lines may come first
	beforeRequestLF                     // behind the CR of one
	inRequestLine                       // of which the version counts
	inLineLF                            // behind the CR of a line
	atField                             // at the beginning of a line
	inName                              // of a field that may count
	beforeValue                         // blanks
	inValue                             // of a field that counts
	behindValue                         // blanks
	inOther                             // what does not count up to the end of the line
	inHeaderLF                          // behind the CR of the empty line
	inBody                              // of a known length
)

// framingField is a field that tells where a body ends.
type framingField uint8

const (
	lengthField framingField = iota
	codingField
)

// framingNames are the names of the fields in small letters.
var framingNames = [...]string{lengthField: "content-length", codingField: "transfer-encoding"}

const (
	chunkedCoding = "chunked"
	http10        = 'H'<<56 | 'T'<<48 | 'T'<<40 | 'P'<<32 | '/'<<24 | '1'<<16 | '.'<<8 | '0'
	http11        = http10 + 1
)

// refuses tells whether the n-th request of the connection must not be answered.
func (f *framing) refuses(n int64) bool {
	bad := f.bad.Load()
	return bad != 0 && n >= bad
}

// read takes the next bytes of the connection.
func (f *framing) read(p []byte) {
	for len(p) > 0 && f.bad.Load() == 0 {
		ok := true
		switch f.state {
		case inBody:
			n := min(f.body, int64(len(p)))
			p = p[n:]
			if f.body -= n; f.body == 0 {
				f.state = beforeRequest
			}
		case inRequestLine, inOther:
			p, ok = f.line(p)
		default:
			ok = f.step(p[0])
			p = p[1:]
		}
		if !ok {
			f.refuse()
		}
	}
}

// refuse ends the reading at the request whose header is read.
func (f *framing) refuse() { f.bad.Store(f.requests + 1) }

// line takes what there is of a line whose bytes don't count but in the version, with the CR at its end, and gives what follows.
func (f *framing) line(p []byte) (rest []byte, ok bool) {
	end := bytes.IndexByte(p, '\r')
	ended := end >= 0
	if !ended {
		end = len(p)
	}
	if bytes.IndexByte(p[:end], '\n') >= 0 {
		return nil, false
	}
	if f.state == inRequestLine {
		for _, b := range p[max(0, end-8):end] {
			f.version = f.version<<8 | uint64(b)
		}
		ok = f.version == http11 || f.version == http10
	}
	if !ended {
		return nil, true
	}
	ok = ok || f.state == inOther
	f.state = inLineLF
	return p[end+1:], ok
}

// step takes one byte of all else but a body; false: there is more than one reading, or none.
func (f *framing) step(b byte) bool {
	switch f.state {
	case beforeRequest:
		if b == '\r' {
			f.state = beforeRequestLF
			return true
		}
		f.state, f.version, f.fields, f.chunked, f.length = inRequestLine, uint64(b), 0, false, 0
		return b != '\n'
	case beforeRequestLF:
		f.state = beforeRequest
		return b == '\n'
	case inLineLF:
		f.state = atField
		return b == '\n'
	case inHeaderLF:
		return b == '\n' && f.endHeader()
	case atField:
		return f.beginLine(b)
	case inName:
		return f.name(b)
	default:
		return f.value(b)
	}
}

// beginLine takes the first byte of a line behind the first one: a blank would go on with the field before.
func (f *framing) beginLine(b byte) bool {
	f.state, f.matched = inName, 1
	switch b {
	case '\r':
		f.state = inHeaderLF
	case 'C', 'c':
		f.field = lengthField
	case 'T', 't':
		f.field = codingField
	default:
		f.state = inOther
	}
	return b != ' ' && b != '\t' && b != '\n'
}

// name takes a byte of a field's name or the colon behind it.
func (f *framing) name(b byte) bool {
	name := framingNames[f.field]
	switch {
	case int(f.matched) < len(name) && lower(b) == name[f.matched]:
		f.matched++
	case int(f.matched) == len(name) && b == ':':
		f.state, f.matched = beforeValue, 0
		f.fields++
		return f.fields == 1
	case b == '\r':
		f.state = inLineLF
	default:
		f.state = inOther
	}
	return b != '\n'
}

// value takes a byte of what Content-Length or Transfer-Encoding say: a number, or the one coding that there is.
func (f *framing) value(b byte) bool {
	switch {
	case b == ' ' || b == '\t':
		if f.state == inValue {
			f.state = behindValue
		}
		return true
	case b == '\r':
		complete := f.state != beforeValue && (f.field == lengthField || int(f.matched) == len(chunkedCoding))
		f.state = inLineLF
		return complete
	case f.state == behindValue:
		return false
	}
	f.state = inValue
	if f.field == codingField {
		f.chunked = true
		f.matched++
		return int(f.matched) <= len(chunkedCoding) && lower(b) == chunkedCoding[f.matched-1]
	}
	if b < '0' || b > '9' || f.length > (math.MaxInt64-9)/10 {
		return false
	}
	f.length = 10*f.length + int64(b-'0')
	return true
}

// endHeader finds out what follows the header. Behind a body in chunks that is a request that must not be answered.
func (f *framing) endHeader() bool {
	if f.chunked && f.version != http11 {
		return false
	}
	f.requests++
	f.state = beforeRequest
	if f.chunked {
		f.refuse()
	} else if f.length > 0 {
		f.state, f.body = inBody, f.length
	}
	return true
}

// lower is a letter of ASCII as a small one, and every other byte as it is.
func lower(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
