package tail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"time"

	"logctl/internal/lines"
	"logctl/ship/source"
)

// read gives out the whole lines of a file that are new, about budget bytes of them. more tells that there may be more.
func (t *Tailer) read(ctx context.Context, f *file, budget int64) (more bool, err error) {
	if f.f == nil && !t.reopen(f) {
		return false, nil
	}
	if f.text == nil && !t.adopt(f) {
		return false, nil
	}
	if f.packed {
		err = t.readPacked(ctx, f)
		t.closeFile(f)
	} else {
		for more = true; more && err == nil && budget > 0; {
			var n int64
			n, more, err = t.readSome(ctx, f)
			budget -= n
		}
	}
	if errors.Is(err, source.ErrOrigin) {
		f.failed = f.seen.Size()
		t.problem(f.path, err)
		return false, nil
	}
	return more, err
}

// readSome reads once. more tells that it may be worth to do so again.
func (t *Tailer) readSome(ctx context.Context, f *file) (taken int64, more bool, err error) {
	x := f.text
	info, err := f.f.Stat()
	if err != nil {
		t.problem(f.path, plainPathError(err))
		return 0, false, nil
	}
	if f.scanned > bufferSize/2 {
		return t.readLong(ctx, f, info)
	}
	n, err := f.f.ReadAt(t.buf, x.At-int64(x.Check.Len))
	if err != nil && err != io.EOF {
		t.problem(f.path, plainPathError(err))
		return 0, false, nil
	}
	atEnd := n < len(t.buf)
	if n < x.Check.Len || !x.Check.holds(t.buf[:x.Check.Len]) {
		return 0, t.changed(f), nil
	}
	f.part = false
	data := t.buf[x.Check.Len:n]
	end := bytes.LastIndexByte(data, '\n') + 1
	switch {
	case end > 0:
	case !atEnd:
		return t.readLong(ctx, f, info)
	case len(data) > 0 && time.Since(info.ModTime()) > finishedAfter:
		end = len(data)
	default:
		f.scanned = int64(len(data))
		return 0, false, t.upToDate(f, info)
	}
	if done, ready := t.judgeAgain(f); done {
		return 0, ready, nil
	}
	t.lines = t.lines[:0]
	for rest := data[:end]; len(rest) > 0; {
		var l source.Line
		l.Text, rest, l.TooLong = lines.Cut(rest, t.o.MaxLine)
		t.lines = append(t.lines, l)
	}
	if len(x.Head) < maxHead && x.At == int64(len(x.Head)) {
		x.Head = append(x.Head, data[:min(end, maxHead-len(x.Head))]...)
		x.changed = true
	}
	if err := t.take(ctx, f, info, int64(end), checkOf(t.buf[:x.Check.Len+end])); err != nil {
		return 0, false, err
	}
	f.scanned = int64(len(data) - end)
	return int64(end), !atEnd, nil
}

// upToDate notes that a file was looked at and had nothing new.
func (t *Tailer) upToDate(f *file, info os.FileInfo) error {
	if at := info.ModTime().UnixNano(); f.scanned == 0 && info.Size() == f.text.At && f.text.Written != at && !t.o.Follow {
		f.text.Written, f.text.changed = at, true // the next run need not open it
	}
	return nil
}

// take gives the lines at hand to the sink; with them the text is read for n bytes more.
func (t *Tailer) take(ctx context.Context, f *file, info os.FileInfo, n int64, c check) error {
	x := f.text
	written := info.ModTime()
	next := *x
	next.At, next.Check, next.Written = x.At+n, c, written.UnixNano()
	if f.origin == nil {
		f.origin = t.newOrigin(f)
	}
	err := t.sink.Take(ctx, source.Chunk{From: f.origin, Written: written, Lines: t.lines, Bytes: n, Marks: next.marks(nil)})
	if err != nil {
		return err
	}
	x.place, x.changed, f.scanned = next.place, false, 0
	f.grown = time.Now()
	return nil
}

func (t *Tailer) newOrigin(f *file) *source.Origin {
	o := &source.Origin{Name: f.path, File: absolute(f.path)}
	if !f.packed && f.text.At > 0 {
		o.Ahead = func(n int) []byte {
			b := make([]byte, n)
			if f.f == nil {
				return nil
			}
			n, _ = f.f.ReadAt(b, 0) // what can't be read is not there
			return b[:n]
		}
	}
	return o
}

// readLong looks for the end of a line that is longer than the buffer.
func (t *Tailer) readLong(ctx context.Context, f *file, info os.FileInfo) (taken int64, more bool, err error) {
	x := f.text
	end, next := int64(-1), int64(0)
	for end < 0 {
		if err := ctx.Err(); err != nil {
			return 0, false, err
		}
		n, err := f.f.ReadAt(t.buf, x.At+f.scanned)
		if err != nil && err != io.EOF {
			t.problem(f.path, plainPathError(err))
			return 0, false, nil
		}
		i := bytes.IndexByte(t.buf[:n], '\n')
		switch {
		case i >= 0:
			end = x.At + f.scanned + int64(i)
			next = end + 1
		case n < len(t.buf):
			f.scanned += int64(n)
			if info.Size() < x.At+f.scanned-int64(n) {
				return 0, t.changed(f), nil // it was cut
			}
			if time.Since(info.ModTime()) < finishedAfter {
				return 0, false, nil
			}
			end = x.At + f.scanned
			next = end
		default:
			f.scanned += int64(n)
		}
	}
	if done, ready := t.judgeAgain(f); done {
		return 0, ready, nil
	}
	keep := min(end-x.At, int64(t.o.MaxLine)+1) // one more tells a line that is too long, or is its "\r"
	line := make([]byte, int64(x.Check.Len)+keep)
	after := make([]byte, min(maxCheck, next-x.At))
	_, err = f.f.ReadAt(line, x.At-int64(x.Check.Len))
	_, afterErr := f.f.ReadAt(after, next-int64(len(after)))
	if err != nil && err != io.EOF || afterErr != nil && afterErr != io.EOF || !x.Check.holds(line[:x.Check.Len]) {
		return 0, t.changed(f), nil
	}
	line = line[x.Check.Len:]
	if x.At == int64(len(x.Head)) && len(x.Head) < maxHead {
		x.Head, x.changed = append(x.Head, line[:min(len(line), maxHead-len(x.Head))]...), true
	}
	if int64(len(line)) == end-x.At {
		line = bytes.TrimSuffix(line, []byte("\r"))
	}
	tooLong := len(line) > t.o.MaxLine
	t.lines = append(t.lines[:0], source.Line{Text: line[:min(len(line), t.o.MaxLine)], TooLong: tooLong})
	n := next - x.At
	return n, true, t.take(ctx, f, info, n, checkOf(after))
}

// changed finds out what has become of a file that has not the bytes that its text had. It tells whether it is to be read again.
func (t *Tailer) changed(f *file) bool {
	x := f.text
	if f.part || x.files > 1 {
		if info, err := f.f.Stat(); err == nil && t.isPart(f, x, info.Size()) {
			return false // the copy is still being made, or was made when there was less
		}
	} else if t.has(f, x) {
		f.scanned = 0
		return true
	}
	// Truncated, and perhaps written to again, or a copy that has become something else.
	f.part, f.judged, f.scanned = false, false, 0
	t.soon = true // there may be a copy of what it was
	t.detach(f)
	if x.files == 0 && x.Gone == 0 {
		x.Gone, x.changed = time.Now().Unix(), true
	}
	t.newText(f) // which its first line may show to be another
	return true
}

// readPacked reads a compressed file to its end.
func (t *Tailer) readPacked(ctx context.Context, f *file) error {
	x := f.text
	if x.Packed == f.seen.Size() {
		return nil
	}
	r, err := lines.DecompressNamed(io.NewSectionReader(f.f, 0, 1<<62), f.path)
	if err == nil {
		err = t.skip(ctx, r, x)
	}
	switch {
	case errors.Is(err, errOtherText), err == io.EOF && x.log() != f.log(): // its first bytes alone prove nothing
		t.detach(f)
		t.newText(f)
		return t.readPacked(ctx, f)
	case err == io.EOF: // all that it has was read before it was made
		f.text.Packed, f.text.changed = f.seen.Size(), true
		return nil
	case err == nil:
		in := lines.New(r, t.o.MaxLine)
		if err = t.readUnpacked(ctx, f, in); err == nil {
			x := f.text
			x.Packed, x.Written, x.changed = f.seen.Size(), f.seen.ModTime().UnixNano(), true
			return nil
		}
	}
	var damage *damageError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &damage) && (f.part || x.files > 1) && time.Since(f.seen.ModTime()) < copyTime:
		t.beingPacked(f)
		return nil
	case errors.As(err, &damage):
		t.damaged(f, damage.err)
		return nil
	}
	return err
}

// damageError is an error of reading, unlike one of the sink.
type damageError struct{ err error }

func (e *damageError) Error() string { return e.err.Error() }

// errOtherText is the error of a file whose bytes are not those of a text.
var errOtherText = errors.New("another text")

// skip reads up to where a text is read, and compares the bytes before it. It is io.EOF if there are fewer.
func (t *Tailer) skip(ctx context.Context, r io.Reader, x *text) error {
	for left := x.At - int64(x.Check.Len); left > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(t.buf[:min(left, int64(len(t.buf)))])
		left -= int64(n)
		if err == io.EOF && left > 0 {
			return io.EOF
		}
		if err != nil && err != io.EOF {
			return &damageError{err}
		}
	}
	before := t.buf[:x.Check.Len]
	for n := 0; n < len(before); {
		m, err := r.Read(before[n:])
		n += m
		if err == io.EOF && n < len(before) {
			return io.EOF
		}
		if err != nil && err != io.EOF {
			return &damageError{err}
		}
	}
	if !x.Check.holds(before) {
		return errOtherText
	}
	return nil
}

// readUnpacked gives out the lines of a compressed file from where its text is read to.
func (t *Tailer) readUnpacked(ctx context.Context, f *file, in *lines.Reader) error {
	arena := make([]byte, 0, bufferSize)
	for {
		t.lines, arena = t.lines[:0], arena[:0]
		start := in.Offset()
		var err error
		for len(arena) < bufferSize {
			var line []byte
			var tooLong bool
			if line, tooLong, err = in.Next(); err != nil {
				break
			}
			at := len(arena)
			arena = append(arena, line...) // lines before it stay where they are, in older memory
			t.lines = append(t.lines, source.Line{Text: arena[at:], TooLong: tooLong})
			if x := f.text; x.At == int64(len(x.Head)) && len(x.Head) < maxHead {
				before := in.Before(maxHead)
				x.Head, x.changed = append(x.Head, before[:min(len(before), maxHead-len(x.Head))]...), true
			}
		}
		if len(t.lines) > 0 {
			if err := t.take(ctx, f, f.seen, in.Offset()-start, checkOf(in.Before(maxCheck))); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &damageError{err}
		}
	}
}
