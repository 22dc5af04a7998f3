package lines

import (
	"encoding/binary"
	"net"
	"syscall"
)

// drops knows how many datagrams the system has dropped before they were read.
type drops struct{ seen uint32 }

// watchDrops has the system count what it drops, and hold up to size bytes.
func watchDrops(conn *net.UDPConn, size int) *drops {
	_ = conn.SetReadBuffer(size) // as much as it gives
	raw, err := conn.SyscallConn()
	if err != nil {
		return &drops{}
	}
	_ = raw.Control(func(fd uintptr) { // without it nothing is counted
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, size) // for root
		_ = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RXQ_OVFL, 1)
	})
	return &drops{}
}

// more is how many were dropped since the last call, as the control messages of a datagram tell.
func (d *drops) more(oob []byte) int64 {
	all, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range all {
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SO_RXQ_OVFL && len(m.Data) >= 4 {
			n := binary.NativeEndian.Uint32(m.Data)
			more := n - d.seen
			d.seen = n
			return int64(more)
		}
	}
	return 0
}
