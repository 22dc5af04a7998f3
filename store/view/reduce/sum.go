package reduce

import "bytes"

// Sum is _sum: of numbers, of arrays of numbers place by place (a number counts as an array of one), and of objects member
// by member, of whatever depth.
type Sum struct{}

// sumReason is what CouchDB says of values that cannot be added.
const sumReason = "The _sum function requires that map values be numbers, arrays of numbers, or objects. Objects cannot be " +
	"mixed with other data structures. Objects can be arbitrarily nested, provided that the values for all fields are " +
	"themselves numbers, arrays of numbers, or objects."

// Reduce implements Reducer. A value that cannot be added makes the reduction an object that tells so; of several, the last
// row's is the one told, as in CouchDB.
func (s Sum) Reduce(dst []byte, _, values [][]byte) ([]byte, error) { return s.Rereduce(dst, values) }

// Rereduce implements Reducer.
func (Sum) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	if n, ok := plainSum(reductions); ok {
		return n.append(dst), nil
	}
	acc := value{kind: isNumber}
	for i := len(reductions) - 1; i >= 0; i-- {
		var failed *value
		if acc, failed = addValues(parse(reductions[i]), acc); failed != nil {
			return failed.append(dst), nil
		}
	}
	return acc.append(dst), nil
}

// Final implements Reducer.
func (Sum) Final(dst, reduction []byte) []byte { return append(dst, reduction...) }

// plainSum adds integers whose sum is one.
func plainSum(values [][]byte) (sum number, ok bool) {
	for _, v := range values {
		n, rest := scanInt(v)
		if rest == nil || len(rest) > 0 {
			return sum, false
		}
		if sum = sum.add(n); sum.isFloat {
			return sum, false
		}
	}
	return sum, true
}

// sumError is the value that stands for a failed sum.
func sumError(cause value) *value {
	return &value{kind: isObject, members: []member{
		{"error", value{raw: []byte(`"builtin_reduce_error"`)}},
		{"reason", value{raw: []byte(`"` + sumReason + `"`)}},
		{"caused_by", cause},
	}}
}

// addValues is v plus the sum so far, or what stands for its failure.
func addValues(v, acc value) (value, *value) {
	switch {
	case v.kind == isNumber && acc.kind == isNumber:
		return value{kind: isNumber, num: acc.num.add(v.num)}, nil
	case v.kind == isArray && acc.kind == isArray:
		return addArrays(acc.items, v.items)
	case v.kind == isNumber && acc.kind == isArray:
		return addArrays(acc.items, []value{v})
	case v.kind == isArray && acc.kind == isNumber:
		return addArrays([]value{acc}, v.items)
	case v.kind != isObject:
		return acc, sumError(v)
	}
	if e, ok := v.member("error"); ok && bytes.Equal(e.raw, []byte(`"builtin_reduce_error"`)) {
		return acc, &v
	}
	switch {
	case acc.kind == isNumber && acc.num == number{}:
		return v, nil
	case acc.kind == isObject:
		return addObjects(v.sorted(), acc.sorted())
	}
	return acc, sumError(v)
}

// addArrays adds place by place; what only one has is taken as it is.
func addArrays(a, b []value) (value, *value) {
	sum := value{kind: isArray}
	for i := range min(len(a), len(b)) {
		if a[i].kind != isNumber || b[i].kind != isNumber {
			return sum, sumError(value{kind: isArray, items: a[i:]})
		}
		sum.items = append(sum.items, value{kind: isNumber, num: a[i].num.add(b[i].num)})
	}
	n := len(sum.items)
	sum.items = append(sum.items, a[n:]...)
	sum.items = append(sum.items, b[n:]...)
	return sum, nil
}

// addObjects merges members that are sorted by name.
func addObjects(a, b value) (value, *value) {
	sum := value{kind: isObject}
	for len(a.members) > 0 && len(b.members) > 0 {
		x, y := a.members[0], b.members[0]
		switch {
		case x.name < y.name:
			sum.members, a.members = append(sum.members, x), a.members[1:]
		case x.name > y.name:
			sum.members, b.members = append(sum.members, y), b.members[1:]
		default:
			v, failed := addValues(x.val, y.val)
			if failed != nil {
				return sum, failed
			}
			sum.members = append(sum.members, member{x.name, v})
			a.members, b.members = a.members[1:], b.members[1:]
		}
	}
	sum.members = append(sum.members, a.members...)
	sum.members = append(sum.members, b.members...)
	return sum, nil
}
