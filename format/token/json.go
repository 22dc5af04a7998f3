package token

// JSONPrefix is the length of what could be a JSON value at the front of b, or 0: from an opening bracket to the one that
// closes it, a string, or a word up to a blank, a comma or a closing bracket. Whether it is JSON is for a parser to say.
func JSONPrefix(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	switch b[0] {
	case '{', '[':
		return bracketed(b)
	case '"':
		return Quoted(b)
	}
	i := 0
	for i < len(b) && !IsBlank(b[i]) && b[i] != ',' && b[i] != ']' && b[i] != '}' {
		i++
	}
	return i
}

// bracketed is the length of what stands in the bracket that b begins with, brackets in strings not counted, or 0.
func bracketed(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		case '"':
			n := Quoted(b[i:])
			if n == 0 {
				return 0
			}
			i += n - 1
		}
	}
	return 0
}
