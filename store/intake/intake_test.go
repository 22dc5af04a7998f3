package intake

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"logctl/store"
)

// TestBudget: no client gets more than its share, unless by a single body, nobody gets more than there is, and all comes back.
func TestBudget(t *testing.T) {
	t.Parallel()
	over := errors.New("over")
	b := NewBudget[string](100, 60, over)
	first, second, other := b.Lease("a"), b.Lease("a"), b.Lease("b")
	for i, step := range []struct {
		of   *Lease[string]
		need int64
		err  error
		left int64
	}{
		{&first, 70, nil, 30}, // a single body
		{&first, 20, nil, 30}, // it has that
		{&second, 10, over, 30},
		{&other, 31, ErrBusy, 30},
		{&other, 30, nil, 0},
	} {
		if err := step.of.Need(step.need); err != step.err || b.Unused() != step.left {
			t.Errorf("step %d: %v, %d left, want %v, %d", i, err, b.Unused(), step.err, step.left)
		}
	}
	first.Keep(40)
	if err := second.Need(20); err != nil || b.Unused() != 10 {
		t.Errorf("within the share: %v, %d left", err, b.Unused())
	}
	for _, l := range []*Lease[string]{&first, &second, &other} {
		l.Free()
		l.Free()
	}
	if b.Unused() != 100 || len(b.held) > 0 {
		t.Errorf("%d left of 100, %d hold some", b.Unused(), len(b.held))
	}
}

// most remembers how much memory was needed, of which there is so much.
type most struct{ has, needed int64 }

func (m *most) Need(n int64) error {
	if n > m.has {
		return ErrBusy
	}
	m.needed = max(m.needed, n)
	return nil
}

// TestReadAll: a body is read up to its limit, in memory that what is announced does not take and that counts beside other bytes.
func TestReadAll(t *testing.T) {
	t.Parallel()
	const limit = 300_000
	text := bytes.Repeat([]byte("0123456789"), limit/10)
	for _, n := range []int{0, 1, First, First + 1, limit - 1, limit} {
		for _, announced := range []int64{-1, 0, int64(n), 5, 1 << 40} {
			buf, err := ReadAll(iotest.HalfReader(bytes.NewReader(text[:n])), &most{has: 1 << 30}, 0, announced, limit)
			if err != nil || !bytes.Equal(*buf, text[:n]) {
				t.Fatalf("%d bytes, %d announced: %v", n, announced, err)
			}
			Free(buf)
		}
	}
	if _, err := ReadAll(bytes.NewReader(append(text, 'x')), &most{has: 1 << 30}, 0, 0, limit); !store.IsKind(err, store.KindTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	for other, want := range map[int64]error{0: nil, limit / 2: ErrBusy} {
		if _, err := ReadAll(bytes.NewReader(text), &most{has: limit + limit/4}, other, 0, limit); err != want {
			t.Errorf("beside %d bytes: %v, want %v", other, err, want)
		}
	}
	failed := errors.New("failed")
	if _, err := ReadAll(iotest.ErrReader(failed), &most{has: 1 << 30}, 0, limit, limit); err != failed {
		t.Errorf("an error: %v", err)
	}
	m := &most{has: 1 << 30}
	if _, err := ReadAll(iotest.ErrReader(failed), m, 0, 1<<30, 1<<30); err != failed || m.needed > 4*Large {
		t.Errorf("announced and not sent: %d bytes, %v", m.needed, err)
	}
}
