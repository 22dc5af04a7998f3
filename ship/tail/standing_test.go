package tail

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"logctl/ship/source"
	"logctl/ship/state"
)

// A log that was written to, rotated and begun anew since it was read: each file stands where it is, by the name that it has now.
func TestStandings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log := filepath.Join(dir, "a.log")
	kept := state.Memory()
	read := func(number uint64, path, content string, at int64) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		x := text{number: number, changed: true, identity: identity{Path: path, fileID: idOf(info)}, place: place{At: at}}
		if err := kept.Commit(x.marks(nil), 0); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...Standing) {
		t.Helper()
		got, err := Standings(kept)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	read(1, log, "one\ntwo\n", 4)
	check(Standing{Path: log, At: 4, Size: 8})
	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	check(Standing{Path: log + ".1", At: 4, Size: 8})
	if err := os.WriteFile(log, []byte("new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(Standing{Path: log, Size: 4}, Standing{Path: log + ".1", At: 4, Size: 8})
	if err := os.Truncate(log+".1", 2); err != nil {
		t.Fatal(err)
	}
	if n := (Standing{At: 4, Size: 2}).Behind(); n != 2 {
		t.Errorf("of a file that was cut %d bytes are behind", n)
	}
	if err := os.Rename(log+".1", filepath.Join(t.TempDir(), "elsewhere")); err != nil {
		t.Fatal(err)
	}
	check(Standing{Path: log, Size: 4}, Standing{Path: log, At: 4, Size: 4, Gone: true})
	if err := kept.Commit([]source.Mark{{Key: idKey + "1", Value: mustJSON(identity{Path: log, Gone: 1})}}, 0); err != nil {
		t.Fatal(err)
	}
	check()
}
