package view

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"

	"logctl/store/ejson"
)

// A doc may emit the same key more than once. CouchDB keeps the values of such rows in the order of Erlang's terms, whatever
// the order of the emits was.

// sortRepeats puts the values of rows with the same sort key in order. The rows are of one doc.
func sortRepeats(rows []emittedRow) {
	byKey := map[string][]int{}
	for i := range rows {
		r := &rows[i]
		k := strconv.Itoa(r.view) + " " + string(r.Sort)
		byKey[k] = append(byKey[k], i)
	}
	for _, places := range byKey {
		if len(places) < 2 {
			continue
		}
		sorted := make([]emittedRow, len(places))
		for n, i := range places {
			sorted[n] = rows[i]
		}
		slices.SortStableFunc(sorted, func(a, b emittedRow) int { return compareTerms(a.AppendValue(nil), b.AppendValue(nil)) })
		for n, i := range places {
			rows[i].Value, rows[i].Number = sorted[n].Value, sorted[n].Number
		}
	}
}

// termRank is where a type of JSON values stands among Erlang's terms: numbers, atoms, objects, arrays, strings.
func termRank(v []byte) int {
	if len(v) == 0 {
		return -1
	}
	switch v[0] {
	case 'f', 'n', 't':
		return 1
	case '{':
		return 2
	case '[':
		return 3
	case '"':
		return 4
	}
	return 0
}

// compareTerms compares two JSON values as CouchDB compares the terms that it makes of them.
func compareTerms(a, b []byte) int {
	rank := termRank(a)
	if c := cmp.Compare(rank, termRank(b)); c != 0 {
		return c
	}
	switch rank {
	case 0:
		x, _ := strconv.ParseFloat(string(a), 64)
		y, _ := strconv.ParseFloat(string(b), 64)
		return cmp.Compare(x, y)
	case 2, 3:
		return slices.CompareFunc(termsOf(a), termsOf(b), compareTerms)
	case 4:
		return strings.Compare(unquoted(a), unquoted(b))
	}
	return bytes.Compare(a, b) // false, null, true
}

// termsOf are the elements of an array, or the names and values of an object by turns.
func termsOf(v []byte) [][]byte {
	var list [][]byte
	if v[0] == '[' {
		_ = ejson.Elements(v, func(elem []byte) error {
			list = append(list, elem)
			return nil
		})
		return list
	}
	_ = ejson.Members(v, func(key, value []byte) error {
		list = append(list, strconv.AppendQuote(nil, string(key)), value)
		return nil
	})
	return list
}

func unquoted(v []byte) string {
	s, err := strconv.Unquote(string(v))
	if err != nil {
		return string(v)
	}
	return s
}
