package mango

import "bytes"

// The functions of this file walk over JSON in stored form (ejson.Compact): no white space, checked. Text that is not in that
// form gives wrong answers but no panic.

// valueEnd is where the value at i ends.
func valueEnd(s []byte, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = stringEnd(s, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		default:
			if depth == 0 {
				for i < len(s) && !isDelimiter(s[i]) {
					i++
				}
				return i
			}
		}
		i++
	}
	return len(s)
}

func isDelimiter(c byte) bool { return c == ',' || c == ']' || c == '}' || c == ':' }

// stringEnd is where the string whose quote is at i ends.
func stringEnd(s []byte, i int) int {
	for i++; i < len(s); {
		n := bytes.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		i += n + 1
		back := 0
		for k := i - 2; k > 0 && s[k] == '\\'; k-- {
			back++
		}
		if back%2 == 0 {
			return i
		}
	}
	return len(s)
}

// eachMember calls fn for the members of an object, keys with their quotes, until it returns false.
func eachMember(obj []byte, fn func(key, value []byte) bool) {
	if len(obj) == 0 || obj[0] != '{' {
		return
	}
	for i := 1; i < len(obj) && obj[i] == '"'; {
		keyEnd := stringEnd(obj, i)
		if keyEnd+1 >= len(obj) {
			return
		}
		end := valueEnd(obj, keyEnd+1)
		if !fn(obj[i:keyEnd], obj[keyEnd+1:end]) {
			return
		}
		i = end + 1
	}
}

// eachElement calls fn for the elements of an array until it returns false.
func eachElement(array []byte, fn func(elem []byte) bool) {
	if len(array) < 2 || array[0] != '[' || array[1] == ']' {
		return
	}
	for i := 1; i < len(array)-1; {
		end := valueEnd(array, i)
		if !fn(array[i:end]) {
			return
		}
		i = end + 1
	}
}

// findMember is the value of the member whose key, with its quotes, is key; nil if there is none.
func findMember(obj, key []byte) []byte {
	var found []byte
	eachMember(obj, func(k, v []byte) bool {
		if bytes.Equal(k, key) {
			found = v
		}
		return found == nil
	})
	return found
}

// element is the n-th element of an array, nil if there is none.
func element(array []byte, n int) []byte {
	var found []byte
	eachElement(array, func(elem []byte) bool {
		if n--; n < 0 {
			found = elem
		}
		return found == nil
	})
	return found
}

// count is how many elements an array has.
func count(array []byte) int {
	n := 0
	eachElement(array, func([]byte) bool { n++; return true })
	return n
}

func isObject(raw []byte) bool { return len(raw) > 0 && raw[0] == '{' }
func isArray(raw []byte) bool  { return len(raw) > 0 && raw[0] == '[' }
func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// isInteger tells a number without point and exponent.
func isInteger(raw []byte) bool {
	return isNumber(raw) && bytes.IndexByte(raw, '.') < 0 && bytes.IndexByte(raw, 'e') < 0
}

func isNumber(raw []byte) bool {
	return len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}
