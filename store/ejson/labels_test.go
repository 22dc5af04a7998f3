package ejson

import "testing"

func TestWithoutLabels(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a":1,"labels":{"b":"c"}}`:            `{"a":1}`,
		`{"labels":{}}`:                         `{}`,
		`{"labels":{"a":"b"},"c":1}`:            `{"labels":{"a":"b"},"c":1}`,
		`{"a":"\"labels\":{}","labels":"text"}`: `{"a":"\"labels\":{}","labels":"text"}`,
		`{"a":{"labels":{}}}`:                   `{"a":{"labels":{}}}`,
		`{"a":1}`:                               `{"a":1}`,
		`{}`:                                    `{}`,
		`[1]`:                                   `[1]`,
		``:                                      ``,
	} {
		text := []byte(body)
		if got := string(WithoutLabels(text)); got != want || string(text) != body {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
}
