package format

// First tells with which bytes a text may begin that the schema fits from its beginning on, blanks before it aside, and whether it
// may fit one of nothing but blanks. It is for those who have many schemas to choose from; see Rules.Whole.
func (s *Schema) First() (bytes [256]bool, empty bool) {
	if s.prog.columns != nil {
		for b := range bytes {
			bytes[b] = true
		}
		return bytes, true
	}
	return bytes, s.prog.firstAt(s.prog.start, &bytes)
}

// firstAt adds the bytes with which the node may begin, and what follows it where it may be nothing; it tells whether all may be.
func (p *program) firstAt(n int32, bytes *[256]bool) (empty bool) {
	nd := &p.nodes[n]
	switch nd.op {
	case opLiteral:
		bytes[nd.literal[0]] = true
		return false
	case opBlank: // before it there is nothing
		return p.firstAt(nd.next, bytes)
	case opGroup:
		with := p.firstAt(nd.inner, bytes)
		return p.firstAt(nd.next, bytes) || with
	case opEnd:
		return true
	}
	for b := range bytes {
		bytes[b] = bytes[b] || nd.kind.begins(byte(b))
	}
	return nd.op == opRest
}

// begins tells whether what the kind takes may begin with a byte.
func (k kind) begins(b byte) bool {
	switch k {
	case kindInt:
		return b-'0' < 10 || b == '-' || b == '+'
	case kindIP:
		return b-'0' < 10 || (b|0x20)-'a' < 6 || b == ':'
	case kindQuoted:
		return b == '"' || b == '\''
	}
	return true
}
