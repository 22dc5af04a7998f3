package ship

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"math/bits"

	"logctl/internal/lines"
	"logctl/ship/source"
	"logctl/ship/tail"
)

// idSum is the sum of the SHA-256 of ids, modulo 2^256: equal for the same ids in any order.
type idSum [4]uint64

func (s *idSum) add(id []byte) {
	h := sha256.Sum256(id)
	carry := uint64(0)
	for i := range s {
		s[i], carry = bits.Add64(s[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
}

// without takes what another sum holds out of this one.
func (s *idSum) without(o idSum) {
	borrow := uint64(0)
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], o[i], borrow)
	}
}

func (s idSum) String() string {
	var b []byte
	for _, n := range s {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return hex.EncodeToString(b)
}

// tally is a number of docs and which they are.
type tally struct {
	docs int64
	ids  idSum
}

func (t *tally) add(id []byte) {
	t.docs++
	t.ids.add(id)
}

// account is what became of the lines that a file holds up to its position: the mark "sum/N", N being the file's text of package tail.
type account struct {
	At       int64 `json:"at"` // the position
	Lines    int64 `json:"lines"`
	Docs     int64 `json:"docs"`
	Rejected int64 `json:"rejected"`
	Skipped  int64 `json:"skipped"`
	IDs      idSum `json:"ids"` // of Docs
	// Hash is the state of the SHA-256 of all lines, each with a line feed.
	Hash []byte `json:"hash"`
	// Why is why what it tells does not prove that everything is safe; "": it does.
	Why string `json:"why,omitempty"`
}

const accountKey = "sum/"

// notCounted is the Why of a file of which something was shipped by a run that removes nothing.
const notCounted = "lines of it were shipped by a run without --truncate and --delete, and not counted"

// hasher goes on with the account's Hash.
func (a *account) hasher() (hash.Hash, error) {
	h := sha256.New()
	if len(a.Hash) == 0 {
		return h, nil
	}
	return h, h.(encoding.BinaryUnmarshaler).UnmarshalBinary(a.Hash)
}

func (a *account) setHash(h hash.Hash) {
	a.Hash, _ = h.(encoding.BinaryMarshaler).MarshalBinary() // of SHA-256 it never fails
}

func (a *account) mark(number string) source.Mark {
	value, _ := json.Marshal(a) // numbers and strings
	return source.Mark{Key: accountKey + number, Value: value}
}

// hashLines is the SHA-256 of the lines that r gives, each with a line feed.
func hashLines(r io.Reader, maxLine int) (hash.Hash, error) {
	h := sha256.New()
	for in := lines.New(r, maxLine); ; {
		line, _, err := in.Next()
		if err == io.EOF {
			return h, nil
		}
		if err != nil {
			return nil, err
		}
		h.Write(line)
		h.Write([]byte("\n"))
	}
}

// accounts are those of a run's files, by the number of their text.
type accounts struct {
	state   source.Positions
	open    map[string]*account
	refused map[string]*tally // what counts as docs in open and the server has refused since
	number  string            // of the account at hand, "" for none
	at      int64             // its position after the lines at hand
	now     *account
	h       hash.Hash
}

func newAccounts(kept source.Positions) *accounts {
	return &accounts{state: kept, open: map[string]*account{}, refused: map[string]*tally{}}
}

// begin makes the account of a chunk's lines the one at hand.
func (as *accounts) begin(c source.Chunk) {
	as.number, as.now, as.h = "", &account{}, sha256.New()
	for _, m := range c.Marks {
		if number, ok := tail.NumberOf(m); ok {
			as.number, as.at = number, tail.Position(m.Value)
			if as.open[number] == nil {
				as.open[number] = as.load(number, m.Key)
			}
			as.now = as.open[number]
			break
		}
	}
	var err error
	if as.h, err = as.now.hasher(); err != nil {
		as.now.Why, as.h = "what was counted of it is damaged", sha256.New()
	}
}

func (as *accounts) load(number, positionKey string) *account {
	a := &account{}
	kept, position := as.state.Position(accountKey+number), as.state.Position(positionKey)
	switch {
	case kept != nil && json.Unmarshal(kept, a) != nil:
		return &account{Why: "what was counted of it is damaged"}
	case position != nil && tail.Position(position) != a.At:
		a.Why = notCounted
	}
	return a
}

// line counts a line.
func (as *accounts) line(text []byte, tooLong bool) {
	as.now.Lines++
	as.h.Write(text)
	as.h.Write([]byte("\n"))
	if tooLong {
		as.now.Why = "it has a line longer than --max-line, of which only the beginning is kept"
	}
}

// end gives what the account at hand says after a chunk.
func (as *accounts) end() account {
	as.now.setHash(as.h)
	as.now.At = as.at
	return *as.now
}

// refuse notes a doc that the server has refused.
func (as *accounts) refuse(number string, id []byte) {
	if as.refused[number] == nil {
		as.refused[number] = &tally{}
	}
	as.refused[number].add(id)
}

// errUnconfirmed is an answer that looks right and does not add up.
var errUnconfirmed = errors.New("the docs that the server has confirmed are not those that it was sent")

// commit gives the marks of the accounts of an epoch. unkept says that rejects of the run are not kept.
func (as *accounts) commit(e *epoch, unkept bool) ([]source.Mark, error) {
	confirmed := e.confirmed
	for _, r := range e.refused {
		as.refuse(r.from.number, r.id)
		confirmed.add(r.id)
	}
	if confirmed != e.sent {
		return nil, errUnconfirmed
	}
	var marks []source.Mark
	for number, a := range e.accounts {
		if t := as.refused[number]; t != nil {
			a.Docs -= t.docs
			a.Rejected += t.docs
			a.IDs.without(t.ids)
		}
		if unkept {
			a.Why = "rejected lines of it are not kept"
		}
		marks = append(marks, a.mark(number))
	}
	return marks, nil
}
