package ship

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"logctl/internal/lines"
	"logctl/ship/cut"
	"logctl/ship/receipt"
	"logctl/ship/source"
	"logctl/ship/tail"
	"logctl/store"
)

// Remove is what becomes of files when all in them is stored.
type Remove uint8

// Files stay; are emptied, as far as that is possible without losing what is written to them; or are removed when nobody has them open.
const (
	RemoveNothing Remove = iota
	Truncate
	Delete
)

// remover removes what is delivered, each time with a receipt.
type remover struct {
	r   *runner
	log *receipt.Log
}

// prepareRemovals finishes what a crash has cut off, and counts what this run has to prove.
func (r *runner) prepareRemovals(in *inputs) error {
	if r.o.Remove == RemoveNothing {
		return r.finishRemovals(in)
	}
	if r.o.State == "" || r.o.Follow || in.fleeting() {
		return store.NewError(store.KindBadRequest, "only files can be removed, and only by a run that ends and remembers")
	}
	r.accounts = newAccounts(r.state)
	r.courier.storedDoc = func(b *batch, doc int) {
		if b.epoch != nil {
			r.ledger.confirm(b.epoch, b.id(doc))
		}
	}
	return r.finishRemovals(in)
}

// remove removes what a run has delivered. What can't be removed is told.
func (r *runner) remove(t *tail.Tailer) error {
	if r.o.Remove == RemoveNothing || r.abandoned.Load() {
		return nil
	}
	shipped, err := t.Shipped(r.state)
	if err != nil {
		return err
	}
	log, err := receipt.Open(r.o.State)
	if err != nil {
		return err
	}
	defer log.Close()
	m := &remover{r: r, log: log}
	for _, s := range shipped {
		if s.Size == 0 || s.Packed && r.o.Remove == Truncate {
			continue
		}
		err := m.file(s)
		var kept *cut.Kept
		switch {
		case errors.Is(err, cut.ErrSmall):
		case errors.As(err, &kept):
			r.note(fmt.Sprintf("%s stays: %s", s.Path, kept.Reason))
		case err != nil:
			r.problem(fmt.Errorf("remove what is shipped of %s: %w", s.Path, err))
		}
	}
	return nil
}

// file removes what is delivered of a file.
func (m *remover) file(s tail.Shipped) error {
	a := &account{Why: notCounted}
	if kept := m.r.state.Position(accountKey + s.Number); kept != nil {
		a = &account{}
		if err := json.Unmarshal(kept, a); err != nil {
			return err
		}
	}
	if a.Why != "" {
		return &cut.Kept{Reason: a.Why}
	}
	whole, err := m.verify(s, a)
	if err != nil {
		return err
	}
	number := int64(0)
	var then []source.Mark
	o := cut.Options{Path: s.Path, Is: s.Is, Size: s.Size, Before: func(d cut.Done, f io.ReaderAt) (err error) {
		rc := receipt.Receipt{App: m.r.o.App, Server: m.r.o.Endpoint.BaseURL, File: s.Path, Node: s.Node(), How: d.How, Bytes: d.Bytes,
			Shipped: s.Size, Lines: a.Lines, Docs: a.Docs, Rejected: a.Rejected, Skipped: a.Skipped, IDs: a.IDs.String(), Proof: receipt.Answered}
		if then, rc.SHA256, err = m.after(f, s, d.Bytes, whole); err != nil {
			return err
		}
		for _, mark := range then {
			rc.Then = append(rc.Then, receipt.Position(mark))
		}
		number, err = m.log.Begin(rc)
		return err
	}}
	do := cut.Front
	if m.r.o.Remove == Delete {
		do = cut.Remove
	}
	done, err := do(o)
	if err != nil || done.Bytes == 0 {
		if number > 0 {
			err = errors.Join(err, m.log.Void(number))
		}
		return err
	}
	m.r.sum.Removed++
	m.r.sum.RemovedBytes += done.Bytes
	return errors.Join(m.r.state.Commit(then, 0), m.r.state.Sync(), m.log.Done(number))
}

var errOtherBytes = &cut.Kept{Reason: "what it holds is not what was shipped of it"}

// verify reads what is to go once more and compares it with what was counted when it was shipped. whole is the digest of its bytes.
func (m *remover) verify(s tail.Shipped, a *account) (whole []byte, err error) {
	f, err := os.Open(s.Path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	raw := io.TeeReader(io.NewSectionReader(f, 0, s.Size), h)
	from := raw
	if s.Packed {
		if from, err = lines.DecompressNamed(raw, s.Path); err != nil {
			return nil, err
		}
	}
	have, err := hashLines(from, m.r.o.MaxLine)
	if err != nil {
		return nil, err
	}
	want, err := a.hasher()
	if err != nil {
		return nil, err
	}
	if a.Lines != a.Docs+a.Rejected+a.Skipped || !bytes.Equal(have.Sum(nil), want.Sum(nil)) {
		return nil, errOtherBytes
	}
	_, err = io.Copy(io.Discard, raw) // what stands behind the end of something compressed
	return h.Sum(nil), err
}

// after gives what is to be remembered when the first n bytes of a file are gone, and their digest. The file must still be what was
// verified, whole.
func (m *remover) after(f io.ReaderAt, s tail.Shipped, n int64, whole []byte) (then []source.Mark, sum string, err error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, n)); err != nil {
		return nil, "", err
	}
	sum = hex.EncodeToString(h.Sum(nil))
	if _, err := io.Copy(h, io.NewSectionReader(f, n, s.Size-n)); err != nil {
		return nil, "", err
	}
	if !bytes.Equal(h.Sum(nil), whole) {
		return nil, "", errOtherBytes
	}
	if then, err = s.Without(f, n); err != nil {
		return nil, "", err
	}
	left := source.Mark{Key: accountKey + s.Number}
	if n < s.Size {
		if looksSame(f, n) {
			return nil, "", &cut.Kept{Reason: "what would be left of it begins like it does now"}
		}
		rest, err := hashLines(io.NewSectionReader(f, n, s.Size-n), m.r.o.MaxLine)
		if err != nil {
			return nil, "", err
		}
		a := account{At: s.Size - n}
		a.setHash(rest)
		left = a.mark(s.Number)
	}
	return append(then, left), sum, nil
}

// looksSame tells whether a file begins the same with and without its first n bytes: then nothing would tell which it is.
func looksSame(f io.ReaderAt, n int64) bool {
	var a, b [1024]byte
	k, _ := f.ReadAt(b[:], n)
	l, _ := f.ReadAt(a[:k], 0)
	return k == l && bytes.Equal(a[:l], b[:k])
}

// finishRemovals finds out what became of removals that a crash has cut off, and remembers it.
func (r *runner) finishRemovals(in *inputs) error {
	if r.o.State == "" || len(in.streams) > 0 {
		return nil
	}
	log, err := receipt.OpenExisting(r.o.State)
	if log == nil || err != nil {
		return err
	}
	defer log.Close()
	for _, rc := range log.Unfinished() {
		there, err := stillThere(rc)
		if err != nil {
			return err
		}
		if there {
			if err := log.Void(rc.Number); err != nil {
				return err
			}
			continue
		}
		var then []source.Mark
		for _, p := range rc.Then {
			then = append(then, source.Mark(p))
		}
		if !slices.ContainsFunc(then, func(m source.Mark) bool { return r.state.Position(m.Key) != nil }) {
			then = nil // the state was begun anew since: all that is left of the file is to be read
		}
		if then, err = tail.KeepBoth(r.state, then); err != nil {
			return err
		}
		if err := errors.Join(r.state.Commit(then, 0), r.state.Sync(), log.Done(rc.Number)); err != nil {
			return err
		}
	}
	return nil
}

// stillThere tells whether what a receipt is about still stands in the file, whatever its name is now. One that was about to be removed
// gets its name back.
func stillThere(rc receipt.Receipt) (bool, error) {
	if err := cut.GiveBack(rc.File); err != nil {
		return false, err
	}
	entries, err := os.ReadDir(filepath.Dir(rc.File))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(filepath.Dir(rc.File), e.Name()))
		if err != nil {
			continue
		}
		h := sha256.New()
		n, err := int64(0), error(nil)
		if info, statErr := f.Stat(); statErr == nil && info.Mode().IsRegular() && tail.NodeOf(info) == rc.Node && info.Size() >= rc.Bytes {
			n, err = io.Copy(h, io.NewSectionReader(f, 0, rc.Bytes))
		}
		f.Close()
		if err == nil && n == rc.Bytes && hex.EncodeToString(h.Sum(nil)) == rc.SHA256 {
			return true, nil
		}
	}
	return false, nil
}
