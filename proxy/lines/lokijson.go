package lines

import (
	"encoding/json"
	"strconv"

	"logctl/store/ejson"
)

// decodePushJSON reads a push in JSON:
//
//	{"streams":[{"stream":{"job":"x"},"values":[["1570818238000000000","the line",{"trace":"1"}]]}]}
func decodePushJSON(body []byte) ([]lokiStream, error) {
	var streams []lokiStream
	err := ejson.Members(body, func(key, value []byte) error {
		if string(key) != "streams" || string(value) == "null" {
			return nil
		}
		return ejson.Elements(value, func(elem []byte) error {
			st, err := decodeStreamJSON(elem)
			streams = append(streams, st)
			return err
		})
	})
	if err != nil {
		return nil, badPush("the push is not in Loki's JSON: " + err.Error())
	}
	return streams, nil
}

func decodeStreamJSON(object []byte) (lokiStream, error) {
	var st lokiStream
	err := ejson.Members(object, func(key, value []byte) (err error) {
		switch string(key) {
		case "stream":
			st.labels, err = decodeLabelsJSON(value)
		case "values":
			err = ejson.Elements(value, func(elem []byte) error {
				e, err := decodeEntryJSON(elem)
				st.entries = append(st.entries, e)
				return err
			})
		}
		return err
	})
	return st, err
}

func decodeLabelsJSON(object []byte) (labels, error) {
	var all labels
	err := ejson.Members(object, func(key, value []byte) error {
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return badPush("a label's value is no text")
		}
		all = append(all, label{string(key), text})
		return nil
	})
	return all, err
}

func decodeEntryJSON(array []byte) (lokiEntry, error) {
	var e lokiEntry
	n := 0
	err := ejson.Elements(array, func(elem []byte) (err error) {
		n++
		switch n {
		case 1:
			var text string
			if json.Unmarshal(elem, &text) != nil {
				return badPush("a timestamp is no text")
			}
			nanos, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return badPush("a timestamp is no number of nanoseconds")
			}
			e.time, err = lokiTime(floorDiv(nanos, 1e9))
			return err
		case 2:
			var text string
			if json.Unmarshal(elem, &text) != nil {
				return badPush("a line is no text")
			}
			e.line = []byte(text)
		case 3:
			e.metadata, err = decodeLabelsJSON(elem)
		}
		return err
	})
	if err == nil && n < 2 {
		err = badPush("a value is no timestamp with a line")
	}
	return e, err
}

// floorDiv is a/b rounded down, and what is left.
func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}
