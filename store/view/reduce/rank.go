package reduce

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"logctl/store/ejson"
	"logctl/store/view/collate"
)

// First is _first: the value of the first row.
type First struct{}

// Reduce implements Reducer.
func (First) Reduce(dst []byte, _, values [][]byte) ([]byte, error) {
	return append(dst, values[0]...), nil
}

// Rereduce implements Reducer. Reductions come in the order of their rows.
func (First) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	return append(dst, reductions[0]...), nil
}

// Final implements Reducer.
func (First) Final(dst, reduction []byte) []byte { return append(dst, reduction...) }

// Last is _last: the value of the last row.
type Last struct{}

// Reduce implements Reducer.
func (Last) Reduce(dst []byte, _, values [][]byte) ([]byte, error) {
	return append(dst, values[len(values)-1]...), nil
}

// Rereduce implements Reducer. Reductions come in the order of their rows.
func (Last) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	return append(dst, reductions[len(reductions)-1]...), nil
}

// Final implements Reducer.
func (Last) Final(dst, reduction []byte) []byte { return append(dst, reduction...) }

// Rank is _top_N and _bottom_N: the N greatest or least values, by the order of keys, each once, as an array.
type Rank struct {
	N   int
	Top bool
}

// maxRank is the largest N.
const maxRank = 100

// Names before a rank.
const (
	topPrefix    = "_top_"
	bottomPrefix = "_bottom_"
)

// rankOf reads "_top_N" and "_bottom_N"; ok is false for other names, reason tells what is wrong with the N of one.
func rankOf(name string) (r Rank, reason string, ok bool) {
	text, top := strings.CutPrefix(name, topPrefix)
	if !top {
		var bottom bool
		if text, bottom = strings.CutPrefix(name, bottomPrefix); !bottom {
			return Rank{}, "", false
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		reason = "invalid rank reducer"
	case n < 1 || n > maxRank:
		reason = "rank value must be between 1 and " + strconv.Itoa(maxRank)
	}
	return Rank{n, top}, reason, true
}

// ranked is a value with its sort key.
type ranked struct{ key, value []byte }

// Reduce implements Reducer.
func (r Rank) Reduce(dst []byte, _, values [][]byte) ([]byte, error) {
	var best []ranked
	for _, v := range values {
		best = r.insert(best, v)
	}
	return appendRanked(dst, best), nil
}

// Rereduce implements Reducer.
func (r Rank) Rereduce(dst []byte, reductions [][]byte) ([]byte, error) {
	var best []ranked
	for _, red := range reductions {
		err := ejson.Elements(red, func(v []byte) error {
			best = r.insert(best, v)
			return nil
		})
		if err != nil {
			return dst, err
		}
	}
	return appendRanked(dst, best), nil
}

// Final implements Reducer.
func (r Rank) Final(dst, reduction []byte) []byte { return append(dst, reduction...) }

// insert puts a value in its place among the best, if it belongs to them.
func (r Rank) insert(best []ranked, value []byte) []ranked {
	key, _, err := collate.ICU.Append(nil, value)
	if err != nil {
		return best // nests deeper than keys may
	}
	at, found := slices.BinarySearchFunc(best, key, func(b ranked, key []byte) int {
		if r.Top {
			return bytes.Compare(key, b.key)
		}
		return bytes.Compare(b.key, key)
	})
	if found || at == r.N {
		return best
	}
	best = slices.Insert(best, at, ranked{key, value})
	return best[:min(len(best), r.N)]
}

func appendRanked(dst []byte, list []ranked) []byte {
	dst = append(dst, '[')
	for i, b := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, b.value...)
	}
	return append(dst, ']')
}
