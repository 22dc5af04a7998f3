package ship

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"logctl/store/ejson"
)

// row is what the server says of one doc; word is its error, "" if the doc is stored.
type row struct {
	word, reason string
}

// conflict is the error of a doc whose id is there already: as ids come from content, so is the doc.
const conflict = "conflict"

// errAnswer is an answer to a batch that does not say of each doc what became of it: it was cut off, or is no CouchDB's.
var errAnswer = errors.New("the server's answer does not account for every doc")

// readRows reads the answer to a batch, `[{"ok":true,"id":…,"rev":…},{"id":…,"error":…,"reason":…}]`, which has one row for each
// doc in their order. id gives the i-th doc's, n is how many there are.
func readRows(answer []byte, n int, id func(i int) []byte) ([]row, error) {
	rows := make([]row, 0, n)
	err := ejson.Elements(answer, func(elem []byte) error {
		if len(rows) == n {
			return errAnswer
		}
		want := id(len(rows))
		if isPlainOK(elem, want) {
			rows = append(rows, row{})
			return nil
		}
		r, err := readRow(elem, want)
		rows = append(rows, r)
		return err
	})
	if err == nil && len(rows) < n {
		err = errAnswer
	}
	if err != nil && !errors.Is(err, errAnswer) {
		err = fmt.Errorf("%w: %w", errAnswer, err)
	}
	return rows, err
}

// isPlainOK recognizes nearly every row without a look at its members.
func isPlainOK(elem, id []byte) bool {
	rest, ok := bytes.CutPrefix(elem, []byte(`{"ok":true,"id":"`))
	if !ok || !bytes.HasPrefix(rest, id) {
		return false
	}
	return bytes.HasPrefix(rest[len(id):], []byte(`",`)) || string(rest[len(id):]) == `"}`
}

func readRow(elem, id []byte) (row, error) {
	var r row
	ok := false
	err := ejson.Members(elem, func(key, value []byte) error {
		switch string(key) {
		case "ok":
			ok = string(value) == "true"
		case "id":
			var got string
			if json.Unmarshal(value, &got) != nil || got != string(id) {
				return errAnswer
			}
		case "error":
			return json.Unmarshal(value, &r.word)
		case "reason":
			if json.Unmarshal(value, &r.reason) != nil {
				r.reason = string(value) // a validation function may throw anything
			}
		}
		return nil
	})
	if err == nil && ok == (r.word != "") {
		err = errAnswer
	}
	return r, err
}

// passing tells whether the same doc may well be taken a moment later: the error is the server's and not the doc's.
func passing(word string) bool {
	switch word {
	case "internal_server_error", "unknown_error", "timeout", "service_unavailable", "too_many_requests",
		"insufficient_storage", "nodedown", "no_majority", "error":
		return true
	}
	return false
}
