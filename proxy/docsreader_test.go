package proxy

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"logctl/store"
)

func TestDocsReader(t *testing.T) {
	t.Parallel()
	const id = "20170614171612329-9q2s4tg1kd07vbn3-4294967295"
	tests := []struct {
		docs docs
		want string
	}{
		{docs{}, `{"docs":[]}`},
		{docs{list: []store.Doc{{Body: []byte(`{"a":1}`)}}}, `{"docs":[{"a":1}]}`},
		{docs{list: []store.Doc{{ID: id, Body: []byte(`{"a":1}`)}, {ID: id, Body: []byte(`{}`)}, {Body: []byte(`{}`)}}},
			`{"docs":[{"_id":"` + id + `","a":1},{"_id":"` + id + `"},{}]}`},
		{docs{single: true, list: []store.Doc{{Body: []byte(`{"a":1}`)}}}, `{"a":1}`},
		{docs{single: true, list: []store.Doc{{ID: id, Body: []byte(`{"a":1}`)}}}, `{"_id":"` + id + `","a":1}`},
	}
	for _, tt := range tests {
		for name, wrap := range map[string]func(io.Reader) io.Reader{
			"whole": func(r io.Reader) io.Reader { return r }, "by bytes": iotest.OneByteReader, "by halves": iotest.HalfReader,
		} {
			got, err := io.ReadAll(wrap(newDocsReader(tt.docs)))
			if err != nil || string(got) != tt.want {
				t.Errorf("%s: %s, %v, want %s", name, got, err, tt.want)
			}
		}
		if got := tt.docs.size(); got != int64(len(tt.want)) {
			t.Errorf("size %d, want %d of %s", got, len(tt.want), tt.want)
		}
		if err := iotest.TestReader(newDocsReader(tt.docs), []byte(tt.want)); err != nil {
			t.Errorf("%s: %v", strings.TrimSpace(tt.want), err)
		}
	}
}
