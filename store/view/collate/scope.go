package collate

// A scope is a name that may stand before a key: the keys of a scope stand together, and before all keys without one. Group
// and AppendJSON look behind it.

// AppendScope appends a scope; a key has to follow.
func AppendScope(dst []byte, name string) []byte {
	return AppendBytes(append(dst, kindScope), []byte(name))
}

// scopeLen is the length of the scope that k begins with, 0 if it has none.
func scopeLen(k []byte) int {
	if len(k) == 0 || k[0] != kindScope {
		return 0
	}
	return min(1+skipBytes(k[1:]), len(k))
}
