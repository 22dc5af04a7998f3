package engine

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"logctl/store"
)

func TestPurgeLog(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	e := mustOpen(t, dir, Options{})
	d := mustCreate(t, e, "log_a")
	if d.PurgesLimit() != defaultPurgesLimit {
		t.Errorf("limit %d", d.PurgesLimit())
	}
	if err := d.SetPurgesLimit(ctx, 0); !store.IsKind(err, store.KindBadRequest) {
		t.Errorf("limit 0: %v", err)
	}
	if err := d.SetPurgesLimit(ctx, 3); err != nil {
		t.Fatal(err)
	}
	var revs []store.Rev
	for i := range 5 {
		id := fmt.Sprint("doc", i)
		revs = append(revs, mustPut(t, d, store.Doc{ID: id}))
		if _, err := d.Purge(ctx, map[string][]store.Rev{id: {revs[i], {Gen: 2, Hash: "no"}}, "none": {revs[i]}}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(d *DB) {
		t.Helper()
		for since, want := range map[uint64]struct {
			ids      []string
			complete bool
		}{
			0: {[]string{"doc2", "doc3", "doc4"}, false}, 1: {[]string{"doc2", "doc3", "doc4"}, false},
			2: {[]string{"doc2", "doc3", "doc4"}, true}, 4: {[]string{"doc4"}, true}, 5: {nil, true}, 9: {nil, true},
		} {
			var ids []string
			complete, err := d.Purges(ctx, since, func(p Purged) bool {
				ids = append(ids, p.ID)
				if !slices.Equal(p.Revs, []store.Rev{revs[p.Seq-1]}) {
					t.Errorf("%d: %v", p.Seq, p.Revs)
				}
				return true
			})
			if err != nil || complete != want.complete || !slices.Equal(ids, want.ids) {
				t.Errorf("since %d: %v %v %v", since, ids, complete, err)
			}
		}
		if d.PurgeSeq() != 5 || d.PurgesLimit() != 3 {
			t.Errorf("purge seq %d, limit %d", d.PurgeSeq(), d.PurgesLimit())
		}
	}
	check(d)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = mustOpen(t, dir, Options{})
	defer e.Close()
	d, err := e.DB("log_a")
	if err != nil {
		t.Fatal(err)
	}
	check(d)
}

func FuzzParsePurged(f *testing.F) {
	p := Purged{ID: "a", Revs: []store.Rev{{Gen: 1, Hash: "0123456789abcdef0123456789abcdef"}, {Gen: 2, Hash: "x"}}}
	f.Add(p.append(nil))
	f.Add([]byte{recordV1, 0, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, v []byte) {
		p, err := parsePurged(7, v)
		if err != nil {
			return
		}
		again, err := parsePurged(7, p.append(nil))
		if err != nil || again.ID != p.ID || !slices.Equal(again.Revs, p.Revs) {
			t.Errorf("%x: %+v comes back as %+v, %v", v, p, again, err)
		}
	})
}
