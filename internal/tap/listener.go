package tap

import (
	"net"
	"sync"
	"time"
)

// verdict is what became of lines for a listener.
type verdict uint8

const (
	taken  verdict = iota
	behind         // there is no room for them
	gone           // the listener is
)

// listener is a connection that is written to beside the stream.
type listener struct {
	conn  net.Conn
	held  int // bytes that may wait
	ended chan struct{}

	mu     sync.Mutex
	more   *sync.Cond
	next   []byte // lines that wait
	lines  int64  // how many
	under  int64  // that are being written
	given  int64
	closed bool
	failed bool
}

func newListener(conn net.Conn, held int) *listener {
	l := &listener{conn: conn, held: held, ended: make(chan struct{})}
	l.more = sync.NewCond(&l.mu)
	go l.run()
	return l
}

// put queues head and tail, which together are n whole lines. It does not wait.
func (l *listener) put(head, tail []byte, n int64) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch size := len(head) + len(tail); {
	case l.failed:
		return gone
	case len(l.next) > 0 && len(l.next)+size > l.held:
		return behind
	}
	l.next = append(append(l.next, head...), tail...)
	l.lines += n
	l.more.Signal()
	return taken
}

// run writes what waits until there is an end.
func (l *listener) run() {
	defer close(l.ended)
	var spare []byte
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		for len(l.next) == 0 && !l.closed {
			l.more.Wait()
		}
		if len(l.next) == 0 {
			return
		}
		b := l.next
		l.next, l.under, l.lines = spare[:0], l.lines, 0
		l.mu.Unlock()
		_, err := l.conn.Write(b)
		l.mu.Lock()
		if err != nil {
			l.failed = true
			return
		}
		l.given, l.under, spare = l.given+l.under, 0, b
	}
}

// close gives what waits so much time, and tells how many lines were given and how many were not.
func (l *listener) close(wait time.Duration) (given, dropped int64) {
	l.mu.Lock()
	l.closed = true
	l.more.Signal()
	l.mu.Unlock()
	_ = l.conn.SetWriteDeadline(time.Now().Add(wait)) // a write that is under way ends then, too
	<-l.ended
	l.conn.Close()
	return l.given, l.under + l.lines
}
