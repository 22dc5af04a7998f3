package lines

import (
	"errors"
	"net"
)

const (
	udpBuffer   = 8 << 20 // bytes of datagrams that the system is asked to hold
	maxDatagram = 64 << 10
)

// udp reads datagrams, each a syslog message, until the socket is closed.
func (s *Server) udp(conn *net.UDPConn) {
	drops := watchDrops(conn, udpBuffer)
	buf, oob := make([]byte, maxDatagram), make([]byte, 128)
	for {
		n, oobn, _, from, err := conn.ReadMsgUDPAddrPort(buf, oob)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		s.counters.Kernel.Add(drops.more(oob[:oobn]))
		if err != nil {
			s.log.Debug("inputs: read a datagram", "err", err)
			continue
		}
		o := origin{input: InputSyslog, peer: from.Addr().Unmap().String()}
		message := trimEnd(buf[:n])
		cut := len(message) > s.o.MaxMessage
		if !s.take(message[:min(len(message), s.o.MaxMessage)], cut, &o, false) {
			s.counters.Full.Add(1)
		}
	}
}
