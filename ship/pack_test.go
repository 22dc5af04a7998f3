package ship

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"logctl/store"
)

// packedBatch is a batch of docs from two files.
func packedBatch() *batch {
	b := &batch{keep: true}
	first := &origin{file: "/var/log/x", reference: time.Unix(1_700_000_000, 0)}
	for i := range 200 {
		from := first
		if i == 1 {
			from = &origin{reference: time.Unix(5, 0)}
		}
		b.add(testID(i%10), []byte(`{"a":1}`), []byte("line"), from)
	}
	return b
}

func TestPack(t *testing.T) {
	t.Parallel()
	b, got := packedBatch(), &batch{}
	kind, err := unpack(got, pack(nil, packDocs, b))
	if err != nil || kind != packDocs || !reflect.DeepEqual(b, got) {
		t.Errorf("%c, %v: %+v, want %+v", kind, err, got, b)
	}
	b = &batch{}
	b.add(testID(0), []byte(`{"a":1}`), nil, nil)
	kind, err = unpack(got, pack(nil, packRejects, b))
	if err != nil || kind != packRejects || !bytes.Equal(got.docs, b.docs) || got.line(0) != nil {
		t.Errorf("%c, %v: %+v", kind, err, got)
	}
	if _, err := unpack(got, []byte{packVersion + 1, packDocs}); !store.IsKind(err, store.KindNewerFormat) {
		t.Errorf("newer: %v", err)
	}
}

// FuzzUnpack looks for records that make a batch which can't be sent.
func FuzzUnpack(f *testing.F) {
	f.Add(pack(nil, packDocs, packedBatch()))
	f.Add(pack(nil, packRejects, packedBatch()))
	f.Add([]byte{packVersion, packDocs, 0})
	f.Add(append([]byte{packVersion, packRejects, 2, 10, 0}, `{"_id":""}`...))
	f.Add(append([]byte{packVersion, packRejects, 2, 10, 1}, `{"_id":""},`...))
	f.Fuzz(func(t *testing.T, record []byte) {
		b := &batch{}
		kind, err := unpack(b, record)
		if err != nil {
			if !errors.Is(err, errPack) && !store.IsKind(err, store.KindNewerFormat) {
				t.Error(err)
			}
			return
		}
		for i := range b.ends {
			b.doc(i)
			b.id(i)
			if kind == packDocs && (b.line(i) == nil && b.lineEnds[i] != 0 || b.origins[i] == nil) {
				t.Errorf("doc %d has no line", i)
			}
		}
	})
}
