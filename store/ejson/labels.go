package ejson

import "bytes"

// Labels is the member that a doc may have at its end besides what its content id follows from: what is known of where the doc
// comes from, such as the labels of a pod. It may be known when a doc is sent, and not when it is sent again.
const Labels = "labels"

// WithoutLabels is a doc in stored form without the object of labels at its end; one that has none comes back as it is.
func WithoutLabels(body []byte) []byte {
	start := -1
	err := Members(body, func(key, value []byte) error {
		start = -1
		if string(key) == Labels && value[0] == '{' {
			start = cap(body) - cap(value) // value is a part of body
		}
		return nil
	})
	if err != nil || start < 0 {
		return body
	}
	rest, ok := bytes.CutSuffix(body[:start], []byte(`"`+Labels+`":`))
	if !ok {
		return body
	}
	rest = bytes.TrimSuffix(rest, []byte(","))
	return append(rest[:len(rest):len(rest)], '}')
}
