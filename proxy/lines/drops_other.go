//go:build !linux

package lines

import "net"

// drops does not know how many datagrams the system has dropped: only Linux tells.
type drops struct{}

func watchDrops(conn *net.UDPConn, size int) *drops {
	_ = conn.SetReadBuffer(size) // as much as it gives
	return &drops{}
}

func (*drops) more([]byte) int64 { return 0 }
