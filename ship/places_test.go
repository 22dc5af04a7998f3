package ship

import (
	"math/rand/v2"
	"os"
	"testing"
)

// TestPlacesModel compares the counts with a map's over random docs, with a table so small that most of them are in
// runs, for times in order, in disorder and absent.
func TestPlacesModel(t *testing.T) {
	t.Parallel()
	times := map[string]func(i, doc int) uint64{
		"in order":    func(_, doc int) uint64 { return uint64(doc) },
		"in disorder": func(_, doc int) uint64 { return uint64(doc*7919) % 1000 },
		"no times":    func(int, int) uint64 { return 0 },
	}
	for name, timeOf := range times {
		for _, limit := range []int{8, 64, 512} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				rnd := rand.New(rand.NewPCG(1, uint64(limit)))
				p := &places{limit: limit, dir: t.TempDir()}
				defer p.close()
				model := map[fingerprint]uint32{}
				for i := range 25 * limit {
					doc := i/10 + rnd.IntN(300) - rnd.IntN(1+rnd.IntN(3000))
					f := fingerprint{hi: mix(uint64(doc)), lo: uint16(doc), time: timeOf(i, doc)}
					if doc%5 == 0 { // many that differ in the last bits alone
						f.hi = 42
					}
					got, err := p.next(f)
					if err != nil {
						t.Fatal(err)
					}
					if got != model[f] {
						t.Fatalf("place of doc %d at step %d is %d, want %d", doc, i, got, model[f])
					}
					model[f]++
				}
				if len(p.runs) == 0 {
					t.Error("nothing was spilled: the test is too small")
				}
			})
		}
	}
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func TestPlacesLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := &places{limit: 8, dir: dir}
	for i := range uint64(100) {
		if _, err := p.next(fingerprint{hi: mix(i)}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("a kill now would leave %s behind", entries[0].Name())
	}
	p.close()
}

func TestPlacesNoRoom(t *testing.T) {
	t.Parallel()
	p := &places{limit: 8, dir: t.TempDir() + "/missing"}
	var err error
	for i := range uint64(100) {
		if _, err = p.next(fingerprint{hi: mix(i)}); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("no error where the temporary file can't be made")
	}
}

func BenchmarkPlaces(b *testing.B) {
	for name, limit := range map[string]int{"memory": maxSlots, "spilled": 1 << 16} {
		b.Run(name, func(b *testing.B) {
			p := &places{limit: limit, dir: b.TempDir()}
			defer p.close()
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				if _, err := p.next(fingerprint{hi: mix(i), time: i}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
