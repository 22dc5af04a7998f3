package tail

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"logctl/ship/source"
)

// Standing is how far a file is delivered.
type Standing struct {
	Path string // absolute, where it is now, or where it was when it was read last
	At   int64  // the position, in bytes
	Size int64  // of the file now
	Gone bool   // no file in its directory is the one that the position is about: it was compressed, replaced or deleted since
}

// Behind is how many bytes are there that are not delivered; all, where it was cut.
func (s Standing) Behind() int64 {
	if s.Size < s.At {
		return s.Size
	}
	return s.Size - s.At
}

// Standings tells where the files stand that kept knows, by path, and those that have the names of such but were never read. Left out are
// those that are known to be gone, and compressed ones, which are read whole or not at all. It only looks, at files that others may
// follow and write to.
func Standings(kept source.Positions) ([]Standing, error) {
	texts, _, err := load(kept)
	if err != nil {
		return nil, err
	}
	names := map[string]fs.FileInfo{} // paths that are known, nil where the file has been found to be a text's
	texts = slices.DeleteFunc(texts, func(x *text) bool { return x.Gone != 0 || x.Packed != 0 })
	for _, x := range texts {
		if info, err := os.Stat(x.Path); err == nil && info.Mode().IsRegular() {
			names[x.Path] = info
		}
	}
	var list []Standing
	var moved []*text
	for _, x := range texts {
		info := names[x.Path]
		if info == nil || !idOf(info).same(x.fileID) {
			moved = append(moved, x)
			continue
		}
		list = append(list, Standing{Path: x.Path, At: x.At, Size: info.Size()})
		names[x.Path] = nil
	}
	for _, x := range moved {
		s := Standing{Path: x.Path, At: x.At, Size: x.At, Gone: true}
		if path, info := x.find(); info != nil {
			s = Standing{Path: path, At: x.At, Size: info.Size()}
			names[path] = nil
		}
		list = append(list, s)
	}
	for path, info := range names {
		if info != nil {
			list = append(list, Standing{Path: path, Size: info.Size()})
		}
	}
	slices.SortFunc(list, func(a, b Standing) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.At, b.At)) })
	return list, nil
}

// find finds the text's file by another name in the same directory; info is nil if it is not there.
func (x *text) find() (path string, info fs.FileInfo) {
	dir := filepath.Dir(x.Path)
	entries, _ := os.ReadDir(dir) // it is gone, then
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && idOf(info).same(x.fileID) {
			return filepath.Join(dir, e.Name()), info
		}
	}
	return "", nil
}
