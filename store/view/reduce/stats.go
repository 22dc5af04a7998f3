package reduce

import (
	"logctl/store"
)

// Stats is _stats: sum, count, minimum, maximum and sum of squares of numbers, of arrays of numbers place by place, or of
// objects that are such statistics already.
type Stats struct{}

// stats are the statistics of one series.
type stats struct{ sum, count, min, max, sumsqr number }

func (s *stats) names() [5]struct {
	name string
	n    *number
} {
	return [5]struct {
		name string
		n    *number
	}{{"sum", &s.sum}, {"count", &s.count}, {"min", &s.min}, {"max", &s.max}, {"sumsqr", &s.sumsqr}}
}

func (s stats) merge(o stats) stats {
	s.sum, s.count, s.sumsqr = s.sum.add(o.sum), s.count.add(o.count), s.sumsqr.add(o.sumsqr)
	if o.min.less(s.min) {
		s.min = o.min
	}
	if s.max.less(o.max) {
		s.max = o.max
	}
	return s
}

// Reduce implements Reducer. The error is of KindInvalidValue: CouchDB then fails every view of the design document.
func (s Stats) Reduce(dst []byte, _, values [][]byte) ([]byte, error) { return s.Rereduce(dst, values) }

// Rereduce implements Reducer.
func (Stats) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	if s, ok := plainStats(reductions); ok {
		return s.append(dst), nil
	}
	var acc []stats
	array := false
	for i, raw := range reductions {
		list, isList, err := readStats(parse(raw), raw)
		if err != nil {
			return dst, err
		}
		if i == 0 {
			acc, array = list, isList
			continue
		}
		if isList != array || len(list) != len(acc) {
			return dst, &store.Error{Kind: store.KindInternal, Word: "function_clause", Reason: "_stats input of different lengths"}
		}
		for j := range acc {
			acc[j] = acc[j].merge(list[j])
		}
	}
	if !array {
		return acc[0].append(dst), nil
	}
	dst = append(dst, '[')
	for i := range acc {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = acc[i].append(dst)
	}
	return append(dst, ']'), nil
}

// ReduceIntegers appends the reduction of integers of up to 15 digits, at least one: what Reduce gives for them as JSON.
func (Stats) ReduceIntegers(dst []byte, values []int64) []byte {
	sum, least, most := int64(0), values[0], values[0]
	for _, v := range values {
		sum += v
		least, most = min(least, v), max(most, v)
	}
	s := stats{sum: number{i: sum}, count: number{i: int64(len(values))}, min: number{i: least}, max: number{i: most}}
	const few = 1 << 13 // of which even the largest can be added up
	if len(values) > few || least < wide {
		s.sum, s.sumsqr = addNumbers(values)
		return s.append(dst)
	}
	// Times are such numbers: all of their squares are doubles, which are added up in order.
	squares := float64(0)
	for _, v := range values {
		f := float64(v)
		squares += float64(f * f)
	}
	s.sumsqr = number{f: squares, isFloat: true}
	return s.append(dst)
}

// addNumbers gives the sum of integers and that of their squares.
func addNumbers(values []int64) (sum, squares number) {
	first := number{i: values[0]}
	sum, squares = first, first.square()
	for _, v := range values[1:] {
		n := number{i: v}
		sum, squares = sum.add(n), squares.add(n.square())
	}
	return sum, squares
}

// Final implements Reducer.
func (Stats) Final(dst, reduction []byte) []byte { return append(dst, reduction...) }

// readStats reads a value: one series, or one for each place of an array.
func readStats(v value, raw []byte) (list []stats, array bool, err error) {
	if v.kind != isArray {
		s, err := readSeries(v, raw)
		return []stats{s}, false, err
	}
	list = make([]stats, len(v.items))
	for i, it := range v.items {
		if list[i], err = readSeries(it, raw); err != nil {
			return nil, true, err
		}
	}
	return list, true, nil
}

func readSeries(v value, raw []byte) (stats, error) {
	switch v.kind {
	case isNumber:
		return stats{sum: v.num, count: number{i: 1}, min: v.num, max: v.num, sumsqr: v.num.square()}, nil
	case isObject:
		var s stats
		for _, f := range s.names() {
			got, ok := v.member(f.name)
			if !ok {
				return s, invalid("user _stats input missing required field " + f.name + " (" + string(raw) + ")")
			}
			if got.kind != isNumber {
				return s, invalid("user _stats input has non-numeric field " + f.name + " (" + string(raw) + ")")
			}
			*f.n = got.num
		}
		return s, nil
	}
	return stats{}, invalid("non-numeric _stats input: " + string(raw))
}

// plainStats merges numbers and reductions in the form in which they are written here: what most views have.
func plainStats(reductions [][]byte) (acc stats, ok bool) {
	for i, raw := range reductions {
		var s stats
		if !s.scan(raw) {
			return acc, false
		}
		if i == 0 {
			acc = s
		} else {
			acc = acc.merge(s)
		}
	}
	return acc, len(reductions) > 0
}

// scan reads a number or what append wrote.
func (s *stats) scan(raw []byte) bool {
	if len(raw) == 0 {
		return false
	}
	if raw[0] != '{' {
		n, rest := scanInt(raw)
		if ok := rest != nil && len(rest) == 0; !ok {
			if n, ok = parseNumber(raw); !ok {
				return false
			}
		}
		*s = stats{sum: n, count: number{i: 1}, min: n, max: n, sumsqr: n.square()}
		return true
	}
	for i, n := range [...]*number{&s.sum, &s.count, &s.min, &s.max, &s.sumsqr} {
		name := written[i]
		if len(raw) < len(name) || string(raw[:len(name)]) != name {
			return false
		}
		if *n, raw = scanNumber(raw[len(name):]); raw == nil {
			return false
		}
	}
	return string(raw) == "}"
}

// written is what append writes before each number.
var written = [...]string{`{"sum":`, `,"count":`, `,"min":`, `,"max":`, `,"sumsqr":`}

// scanNumber reads a number before a comma or a closing brace and gives what is behind it, nil if there is none.
func scanNumber(s []byte) (n number, rest []byte) {
	if n, rest = scanInt(s); len(rest) > 0 && (rest[0] == ',' || rest[0] == '}') {
		return n, rest
	}
	end := 0
	for end < len(s) && s[end] != ',' && s[end] != '}' {
		end++
	}
	n, ok := parseNumber(s[:end])
	if !ok {
		return n, nil
	}
	return n, s[end:]
}

// scanInt reads an integer of at most 18 digits and gives what is behind it, nil if there is none.
func scanInt(s []byte) (n number, rest []byte) {
	i, negative := 0, len(s) > 0 && s[0] == '-'
	if negative {
		i++
	}
	start := i
	for ; i < len(s) && s[i] >= '0' && s[i] <= '9'; i++ {
		n.i = n.i*10 + int64(s[i]-'0')
	}
	if i == start || i-start > 18 {
		return n, nil
	}
	if negative {
		n.i = -n.i
	}
	return n, s[i:]
}

func (s *stats) append(dst []byte) []byte {
	dst = append(dst, written[0]...)
	start := len(dst)
	dst = s.sum.append(dst)
	end := len(dst)
	dst = s.count.append(append(dst, written[1]...))
	dst = append(dst, written[2]...)
	if s.min == s.sum && s.max == s.sum { // one number, as in many groups
		dst = append(append(append(dst, dst[start:end]...), written[3]...), dst[start:end]...)
	} else {
		dst = s.max.append(append(s.min.append(dst), written[3]...))
	}
	dst = s.sumsqr.append(append(dst, written[4]...))
	return append(dst, '}')
}
