package lines

import (
	"bufio"
	"io"
	"sync/atomic"
)

// frames reads messages off a stream of syslog: each after a count of its bytes, or up to a line feed (RFC 6587). Which of both it
// is shows at the beginning of each message, as servers for syslog take it: digits, a blank and "<" are a count.
type frames struct {
	in      *bufio.Reader
	plain   bool // lines alone: nothing is a count
	max     int  // bytes of a message that are kept
	message []byte

	budget *budget // of what longer messages take
	leased int64
}

// maxCount is how many digits a count has at most.
const maxCount = 9

// next gives the next message, without its line end, valid until the next call. cut tells that it went on. At the end of the stream,
// or after an error, what came of a last message is given out before the error.
func (f *frames) next() (message []byte, cut bool, err error) {
	f.free()
	n, digits, err := f.count()
	if err != nil {
		return nil, false, err
	}
	if digits > 0 {
		_, _ = f.in.Discard(digits + 1) // count has seen them
		cut, err = f.take(n)
	} else {
		cut, err = f.takeLine()
	}
	if err != nil && len(f.message) == 0 {
		return nil, false, err
	}
	return trimEnd(f.message), cut, nil // an error comes again with the next
}

// count looks for a count at the beginning of a message, and tells its digits; 0 is none.
func (f *frames) count() (n, digits int, err error) {
	for i := 1; ; i++ {
		head, err := f.in.Peek(i)
		if len(head) < i {
			if i == 1 {
				return 0, 0, err
			}
			return 0, 0, nil // what came is the whole
		}
		c := head[i-1]
		switch {
		case f.plain:
			return 0, 0, nil
		case digits > 0: // the blank was there
			if c == '<' {
				return n, digits, nil
			}
			return 0, 0, nil
		case c == ' ' && i > 1:
			digits = i - 1
		case c < '0' || c > '9' || c == '0' && i == 1 || i > maxCount:
			return 0, 0, nil
		default:
			n = 10*n + int(c-'0')
		}
	}
}

// take reads n bytes and keeps as many as a message may have.
func (f *frames) take(n int) (cut bool, err error) {
	for n > 0 {
		part, err := f.in.Peek(min(n, f.in.Size()))
		if len(part) == 0 {
			return true, err
		}
		cut = f.keep(part) || cut
		_, _ = f.in.Discard(len(part)) // they are there
		n -= len(part)
		if err != nil {
			return cut || n > 0, err
		}
	}
	return cut, nil
}

// takeLine reads up to a line feed.
func (f *frames) takeLine() (cut bool, err error) {
	for {
		part, err := f.in.ReadSlice('\n')
		cut = f.keep(part) || cut
		if err != bufio.ErrBufferFull {
			return cut && len(part) > 0, err
		}
	}
}

// keep appends part, as far as a message may go.
func (f *frames) keep(part []byte) (cut bool) {
	room := f.max - len(f.message)
	if len(f.message)+len(part) > connBuffer+int(f.leased) && !f.lease(len(part)) {
		room = max(0, min(room, connBuffer+int(f.leased)-len(f.message)))
	}
	if len(part) > room {
		// A line end is no part of the message.
		cut = len(trimEnd(part)) > room
		part = part[:room]
	}
	f.message = append(f.message, part...)
	return cut
}

// lease gets memory for n more bytes of a long message, if there is some.
func (f *frames) lease(n int) bool {
	more := max(f.leased, connBuffer, int64(n))
	if !f.budget.take(more) {
		return false
	}
	f.leased += more
	return true
}

// free gives up what a message has taken.
func (f *frames) free() {
	if cap(f.message) > connBuffer {
		f.message = nil
	}
	f.message = f.message[:0]
	f.budget.left.Add(f.leased)
	f.leased = 0
}

// budget is the bytes that long messages of all connections may still take.
type budget struct{ left atomic.Int64 }

func (b *budget) take(n int64) bool {
	if b.left.Add(-n) < 0 {
		b.left.Add(n)
		return false
	}
	return true
}

// trimEnd takes line ends and the NUL that some senders end messages with off the end.
func trimEnd(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r' || b[len(b)-1] == 0) {
		b = b[:len(b)-1]
	}
	return b
}

// newFrames reads src, messages of which have at most max bytes.
func newFrames(src io.Reader, max int, b *budget, plain bool) *frames {
	return &frames{in: bufio.NewReaderSize(src, connBuffer), plain: plain, max: max, budget: b}
}
