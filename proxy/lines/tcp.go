package lines

import (
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

const (
	connBuffer    = 4 << 10 // bytes that each connection takes
	handshakeTime = 10 * time.Second
	frameTime     = 30 * time.Second // for the next bytes of a message that has begun
	idleTime      = time.Hour        // for the next message: syslog's clients lose one when they find their connection closed
	keepAlive     = time.Minute
)

// accept serves connections until the listener is closed. kind is the input; conf, where set, TLS.
func (s *Server) accept(l net.Listener, kind string, conf *tls.Config) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of file descriptors, mostly
			s.log.Debug("inputs: accept", "err", err)
			select {
			case <-time.After(firstPause):
			case <-s.ending:
				return
			}
			continue
		}
		if !s.open(conn) {
			s.counters.Refused.Add(1)
			conn.Close()
			continue
		}
		s.group.Go(func() {
			defer s.shut(conn)
			s.serve(conn, kind, conf)
		})
	}
}

// open counts a connection in, unless there are too many or the server stops.
func (s *Server) open(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || len(s.conns) >= s.o.MaxConns {
		return false
	}
	s.conns[conn] = struct{}{}
	s.counters.Conns.Add(1)
	return true
}

func (s *Server) shut(conn net.Conn) {
	conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, conn)
	s.counters.Conns.Add(-1)
}

// serve reads the messages of one connection.
func (s *Server) serve(conn net.Conn, kind string, conf *tls.Config) {
	o := origin{input: kind, peer: addressOf(conn)}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAlivePeriod(keepAlive) // finds out about peers that are gone
	}
	if conf != nil {
		secure := tls.Server(conn, conf)
		_ = conn.SetDeadline(time.Now().Add(handshakeTime)) // fails where it is closed, as does what follows
		if err := secure.Handshake(); err != nil {
			s.counters.Secure.Add(1)
			s.log.Debug("inputs: TLS", "peer", o.peer, "err", err)
			return
		}
		_ = conn.SetWriteDeadline(time.Time{})
		if certs := secure.ConnectionState().PeerCertificates; len(certs) > 0 {
			o.certificate, o.commonName = certs[0].Subject.String(), certs[0].Subject.CommonName
		}
		defer secure.CloseWrite() // says that it is over
		conn = secure
	}
	in := &patient{conn: conn, idle: s.o.IdleTime, ending: s.ending}
	f := newFrames(in, s.o.MaxMessage, &s.budget, kind == InputLines)
	defer f.free()
	for {
		in.begun = f.in.Buffered() > 0
		message, cut, err := f.next()
		if err != nil {
			return
		}
		if in.late {
			s.counters.Slow.Add(1)
			cut = true
		}
		if !s.take(message, cut, &o, true) {
			s.counters.Lost.Add(1)
			return
		}
	}
}

// addressOf is a peer's address without its port.
func addressOf(conn net.Conn) string {
	if a, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return a.AddrPort().Addr().Unmap().String()
	}
	return conn.RemoteAddr().String()
}

// patient reads from a connection that may be silent between two messages for long, and within one for a while.
type patient struct {
	conn  net.Conn
	idle  time.Duration
	begun bool // a message has
	late  bool // too long within one

	ending <-chan struct{} // closed: nothing more is waited for
}

func (p *patient) Read(b []byte) (int, error) {
	wait := p.idle
	if p.begun {
		wait = min(frameTime, wait)
	}
	if err := p.conn.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	ended := false
	select {
	case <-p.ending: // before whoever ends it has set the deadline, or it has just been set anew
		ended = true
		_ = p.conn.SetReadDeadline(time.Now())
	default:
	}
	n, err := p.conn.Read(b)
	p.late = p.begun && !ended && errors.Is(err, os.ErrDeadlineExceeded)
	p.begun = p.begun || n > 0
	return n, err
}
