package couch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// maxDepth bounds the nesting of one value.
const maxDepth = 10_000

// scanner reads JSON as a stream and gives values as their bytes: several times faster than encoding/json, which matters
// where a report reads a hundred thousand rows. It checks the structure that it needs and numbers and literals that are values by
// themselves; what stands within a value is checked by whoever decodes it.
type scanner struct {
	r        io.Reader
	buf      []byte
	pos, end int
	scratch  []byte // of the row being read
	name     []byte // of the member being read; holds until the next name
}

// scanBuffer is about what an embedded store writes at once, which makes the next rows while these are looked at.
const scanBuffer = 64 << 10

func newScanner(r io.Reader) *scanner { return &scanner{r: r, buf: make([]byte, scanBuffer)} }

// more fills the buffer when all of it has been used.
func (s *scanner) more() error {
	for s.pos == s.end {
		n, err := s.r.Read(s.buf)
		s.pos, s.end = 0, n
		if n == 0 && err != nil {
			if errors.Is(err, io.EOF) {
				return io.ErrUnexpectedEOF
			}
			return err
		}
	}
	return nil
}

// peek is the next byte that is not white space.
func (s *scanner) peek() (byte, error) {
	for {
		for ; s.pos < s.end; s.pos++ {
			if c := s.buf[s.pos]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// take reads the byte c.
func (s *scanner) take(c byte, what string) error {
	got, err := s.peek()
	if err != nil {
		return err
	}
	if got != c {
		return notJSON(what, got)
	}
	s.pos++
	return nil
}

// endOfStream reads up to the end of the stream, where only white space may be.
func (s *scanner) endOfStream() error {
	c, err := s.peek()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		return err
	}
	return notJSON("the end", c)
}

// object reads an object; member reads the value of the member with that name, which holds until it reads another.
func (s *scanner) object(member func(name []byte) error) error {
	if err := s.take('{', "an object"); err != nil {
		return err
	}
	return s.list('}', func() error {
		raw, err := s.stringAfter(s.name[:0], "a member's name")
		if err != nil {
			return err
		}
		s.name = raw
		if err := s.take(':', "a colon"); err != nil {
			return err
		}
		if name := raw[1 : len(raw)-1]; bytes.IndexByte(name, '\\') < 0 {
			return member(name)
		}
		return member([]byte(text(raw)))
	})
}

// array reads an array; element reads one element.
func (s *scanner) array(element func() error) error {
	if err := s.take('[', "an array"); err != nil {
		return err
	}
	return s.list(']', element)
}

// list reads what item reads, comma by comma, up to the closing byte.
func (s *scanner) list(closing byte, item func() error) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	if c == closing {
		s.pos++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch c, err = s.peek(); {
		case err != nil:
			return err
		case c == closing:
			s.pos++
			return nil
		case c != ',':
			return notJSON("a comma", c)
		}
		s.pos++
	}
}

func (s *scanner) stringAfter(dst []byte, what string) ([]byte, error) {
	c, err := s.peek()
	if err != nil {
		return dst, err
	}
	if c != '"' {
		return dst, notJSON(what, c)
	}
	return s.str(dst)
}

// str appends the string that begins at pos, quotes included.
func (s *scanner) str(dst []byte) ([]byte, error) {
	dst = append(dst, '"')
	s.pos++
	escaped := false
	for {
		from := s.pos
		for ; s.pos < s.end; s.pos++ {
			c := s.buf[s.pos]
			if c > '"' && c != '\\' && !escaped {
				continue
			}
			switch {
			case escaped:
				escaped = false
			case c == '\\':
				escaped = true
			case c == '"':
				s.pos++
				return append(dst, s.buf[from:s.pos]...), nil
			case c < ' ':
				return dst, notJSON("a string's text", c)
			}
		}
		dst = append(dst, s.buf[from:s.end]...)
		if err := s.more(); err != nil {
			return dst, err
		}
	}
}

// value appends the next value, without the white space between its parts.
func (s *scanner) value(dst []byte) ([]byte, error) {
	c, err := s.peek()
	switch {
	case err != nil:
		return dst, err
	case c == '"':
		return s.str(dst)
	case c == '{' || c == '[':
		return s.nested(dst)
	}
	return s.literal(dst)
}

// nested appends the array or object that begins at pos.
func (s *scanner) nested(dst []byte) ([]byte, error) {
	for depth := 0; ; {
		from := s.pos
		for s.pos < s.end {
			c := s.buf[s.pos]
			switch kinds[c] {
			case plain:
				s.pos++
				continue
			case opening:
				s.pos++
				if depth++; depth > maxDepth {
					return dst, notJSON("a value", c)
				}
				continue
			case closing:
				s.pos++
				if depth--; depth == 0 {
					return append(dst, s.buf[from:s.pos]...), nil
				}
				continue
			case quote:
				if end := s.plainString(); end > 0 {
					s.pos = end
					continue
				}
			}
			dst = append(dst, s.buf[from:s.pos]...)
			var err error
			switch kinds[c] {
			case quote:
				dst, err = s.str(dst)
			case space:
				s.pos++
			default:
				err = notJSON("a value", c)
			}
			if err != nil {
				return dst, err
			}
			from = s.pos
		}
		dst = append(dst, s.buf[from:s.end]...)
		if err := s.more(); err != nil {
			return dst, err
		}
	}
}

// plainString is where the string that begins at pos ends, if all of it is in the buffer and nothing in it is escaped; else 0.
func (s *scanner) plainString() (end int) {
	for i, c := range s.buf[s.pos+1 : s.end] {
		switch {
		case c == '"':
			return s.pos + 1 + i + 1
		case c == '\\' || c < ' ':
			return 0
		}
	}
	return 0
}

// What bytes are between the strings of an array or object.
const (
	strange = iota
	plain   // of numbers, literals, and between values
	opening
	closing
	quote
	space
)

var kinds = func() (kinds [256]uint8) {
	for kind, bytes := range map[uint8]string{
		plain: "0123456789abcdefghijklmnopqrstuvwxyz-+.E,:", opening: "[{", closing: "]}", quote: `"`, space: " \n\r\t",
	} {
		for _, c := range []byte(bytes) {
			kinds[c] = kind
		}
	}
	return kinds
}()

// literal appends a number, true, false or null.
func (s *scanner) literal(dst []byte) ([]byte, error) {
	from := len(dst)
	for {
		for ; s.pos < s.end; s.pos++ {
			c := s.buf[s.pos]
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '-' || c == '+' || c == '.' || c == 'E' {
				dst = append(dst, c)
				continue
			}
			if len(dst) == from {
				return dst, notJSON("a value", c)
			}
			if !isInteger(dst[from:]) && !json.Valid(dst[from:]) {
				return dst, notJSON("a number or a literal", dst[from])
			}
			return dst, nil
		}
		if err := s.more(); err != nil {
			return dst, err
		}
	}
}

// isInteger tells of most numbers that they are some.
func isInteger(text []byte) bool {
	if text[0] < '1' || text[0] > '9' {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
