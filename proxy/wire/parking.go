package wire

import (
	"errors"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// A connection that waits for its next request costs a server of net/http two buffers and the stack of a goroutine that has answered
// requests. Such a server is told, after lingerTime, that the connection has timed out, and gives all of that back; what it then
// closes is parked, with a goroutine that reads one byte. When that has come, the server accepts the connection as a new one.
//
// No byte may be lost: what the server has read of the next request would be. It has read nothing of it if it asks for as much as it
// did at first, when its buffer was empty, and does so after it has said that it is done with the last request, between setting
// a deadline for the wait and setting one for the request.

// lingerTime is for how long a connection stays with its server after an answer: longer than a client that has more to say takes.
const lingerTime = 100 * time.Millisecond

// conn is a connection for HTTP/1 as the server has it, over TLS as a secured. After an answer it may be parked.
type conn struct {
	net.Conn // raw or, around it, a *tls.Conn
	from     *listener
	raw      *admitted

	framing framing
	served  int64 // requests that the server's handler got; its goroutine's alone

	came  bool // first is to be read before all else
	first [1]byte
	room  int       // for so much the first Read asks
	until time.Time // when the server's patience with a client that says nothing ends; zero: never

	phase  atomic.Uint32
	closed atomic.Bool
}

// Phases of a conn. Between two requests one goroutine alone uses it, but that any may close it.
const (
	busy     uint32 = iota // with a request
	answered               // the server has sent an answer, and will set a deadline for the wait
	waiting                // the server has set it
	leaving                // the server has been told that nothing came
)

// tellIdle is an http.Server's ConnState.
func tellIdle(c net.Conn, s http.ConnState) {
	if c := connOf(c); c != nil && s == http.StateIdle {
		c.phase.Store(answered)
	}
}

// connOf is the conn that a server has; nil for HTTP/2, and at another listener than ours.
func connOf(c net.Conn) *conn {
	switch c := c.(type) {
	case *conn:
		return c
	case secured:
		return c.conn
	}
	return nil
}

// SetReadDeadline sets the deadline for the wait, of which the server hears in Read, to lingerTime.
func (c *conn) SetReadDeadline(t time.Time) error {
	phase := c.phase.Load()
	if phase == answered {
		if soon := time.Now().Add(lingerTime); t.IsZero() || soon.Before(t) {
			c.until = t
			c.phase.Store(waiting)
			return c.Conn.SetReadDeadline(soon)
		}
	}
	if phase != busy {
		c.phase.Store(busy)
	}
	return c.Conn.SetReadDeadline(t)
}

// Read reads what the client sends, and lets framing see it.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	c.framing.read(p[:n])
	return n, err
}

func (c *conn) read(p []byte) (int, error) {
	if c.room == 0 {
		c.room = len(p)
	}
	if c.came && len(p) > 0 {
		c.came = false
		return copy(p, c.first[:]), nil
	}
	n, err := c.Conn.Read(p)
	if c.phase.Load() != waiting {
		return n, err
	}
	late := n == 0 && errors.Is(err, os.ErrDeadlineExceeded)
	if late && len(p) == c.room {
		c.phase.Store(leaving)
		return 0, err
	}
	c.phase.Store(busy)
	_ = c.Conn.SetReadDeadline(c.until) // where this fails, reading does
	if late {
		return c.Conn.Read(p)
	}
	return n, err
}

// Close closes the connection or, where it was told to the server that nothing came, parks it.
func (c *conn) Close() error {
	if !c.closed.CompareAndSwap(false, true) {
		return nil
	}
	if c.phase.Load() == leaving && c.Conn.SetReadDeadline(c.until) == nil && c.from.park(c) {
		return nil
	}
	return c.Conn.Close()
}

// CloseWrite ends the answer before the connection is closed, so that a client that is still sending gets to read it.
func (c *conn) CloseWrite() error { return closeWrite(c.Conn) }

// park keeps a connection, which is nobody else's any more, until there is something to read, it has ended, or the listener is
// closed; false: it is closed already.
func (l *listener) park(c *conn) bool {
	again := &conn{Conn: c.Conn, from: l, raw: c.raw}
	return l.keep(c.raw, func() { l.wg.Go(func() { l.watch(again) }) })
}

// watch waits for the first byte from a connection. The stack of its goroutine is most of what a plain one costs that is parked.
func (l *listener) watch(c *conn) {
	n, _ := c.Conn.Read(c.first[:])
	l.letGo(c.raw)
	if c.came = n > 0; !c.came {
		_ = c.Conn.Close()
		return
	}
	l.serve(c)
}
