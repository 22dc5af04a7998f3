// Package tap copies a stream and gives a second copy, in whole lines, to whoever listens at a unix socket: as tee(1), but for a reader
// that may come, be slow, or go at any time, without the stream's noticing.
//
// The stream is never held up by the listener. What the listener is too slow for is dropped for it alone, in whole lines, and counted.
package tap

import (
	"bytes"
	"errors"
	"io"
	"net"
	"time"
)

// Options of a Tap.
type Options struct {
	Socket string        // path
	Held   int           // bytes that wait for a slow listener at most; 0: 4 MiB
	Last   time.Duration // how long the listener may take for what is left when the stream ends; 0: a second
}

const (
	chunk       = 128 << 10
	defaultHeld = 4 << 20
	defaultLast = time.Second
	lookEvery   = 250 * time.Millisecond // for a listener where there is none, as long as something comes
	maxLine     = 1 << 20                // bytes of a line that is put together for the listener
)

// Counts are what became of the lines while somebody listened, or had listened before.
type Counts struct {
	Given   int64 // lines written to the listener; it may have gone without reading the last of them
	Dropped int64 // lines that it did not get
}

// Tap copies.
type Tap struct {
	o    Options
	line []byte // the beginning of a line for the listener
	skip bool   // the line that is coming is not for it
	mid  bool   // the stream is within a line
	out  *listener
	dial chan *listener // at most one that has just been found, or nil for none
	look time.Time      // when to look for one again; the zero time: somebody is looking
	n    Counts
}

// New makes a Tap.
func New(o Options) *Tap {
	if o.Held == 0 {
		o.Held = defaultHeld
	}
	if o.Last == 0 {
		o.Last = defaultLast
	}
	return &Tap{o: o, dial: make(chan *listener, 1)}
}

// Copy copies src to dst until src ends, or one of both fails. done, where set, is called when dst has everything, before the listener gets
// what is left.
func (t *Tap) Copy(dst io.Writer, src io.Reader, done func() error) (Counts, error) {
	t.find()
	t.meet(<-t.dial) // who listens from the beginning gets the first line
	buf := make([]byte, chunk)
	var err error
	for err == nil {
		var n int
		n, err = src.Read(buf)
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				err = werr
			}
			t.give(buf[:n])
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if done != nil {
		err = errors.Join(err, done())
	}
	t.end()
	return t.n, err
}

// find looks for a listener, beside the stream.
func (t *Tap) find() {
	t.look = time.Time{}
	go func() {
		conn, err := net.DialTimeout("unix", t.o.Socket, lookEvery)
		if err != nil {
			t.dial <- nil
			return
		}
		t.dial <- newListener(conn, t.o.Held)
	}()
}

// meet takes what find has found.
func (t *Tap) meet(l *listener) {
	t.out, t.look = l, time.Now().Add(lookEvery)
	t.skip, t.line = t.mid, t.line[:0]
}

// give gives the listener its copy of what has been read.
func (t *Tap) give(b []byte) {
	if t.out == nil {
		select {
		case l := <-t.dial:
			t.meet(l)
		default:
			if !t.look.IsZero() && time.Now().After(t.look) {
				t.find()
			}
		}
	}
	if t.out != nil {
		t.lines(b)
	}
	t.mid = b[len(b)-1] != '\n'
}

// lines hands on the whole lines that b completes, and keeps the beginning of the next.
func (t *Tap) lines(b []byte) {
	if t.skip {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return
		}
		t.skip, b = false, b[i+1:]
	}
	end := bytes.LastIndexByte(b, '\n') + 1
	if end > 0 {
		t.send(t.line, b[:end])
		t.line, b = t.line[:0], b[end:]
	}
	if t.out == nil {
		return
	}
	if len(t.line)+len(b) > maxLine {
		t.n.Dropped++
		t.skip, t.line = true, nil
		return
	}
	t.line = append(t.line, b...)
}

// send queues lines, unless the listener is behind or has gone.
func (t *Tap) send(head, tail []byte) {
	n := int64(bytes.Count(tail, []byte{'\n'}))
	switch t.out.put(head, tail, n) {
	case behind:
		t.n.Dropped += n
	case gone:
		t.n.Dropped += n
		t.leave()
	}
}

// leave is done with the listener.
func (t *Tap) leave() {
	given, dropped := t.out.close(0)
	t.n.Given, t.n.Dropped = t.n.Given+given, t.n.Dropped+dropped
	t.out, t.line = nil, nil
}

// end gives the listener a last line without an end, and time for what is left.
func (t *Tap) end() {
	if t.out == nil {
		return
	}
	if len(t.line) > 0 && t.out.put(t.line, nil, 1) != taken {
		t.n.Dropped++
	}
	given, dropped := t.out.close(t.o.Last)
	t.n.Given, t.n.Dropped = t.n.Given+given, t.n.Dropped+dropped
}
