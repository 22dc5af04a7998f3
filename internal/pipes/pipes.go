// Package pipes is for tests alone: connections in memory, whose ends the tests have, for a server that wants a listener.
package pipes

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// Listener accepts the connections that a test puts into Conns.
type Listener struct {
	Conns  chan net.Conn // room for one
	Closed chan struct{} // closed by Close

	once sync.Once
}

// New makes a Listener.
func New() *Listener {
	return &Listener{Conns: make(chan net.Conn, 1), Closed: make(chan struct{})}
}

// Dial makes a connection and gives the client's end.
func (l *Listener) Dial() net.Conn {
	client, server := net.Pipe()
	l.Conns <- server
	return client
}

// Accept gives the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.Conns:
		return c, nil
	case <-l.Closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept, and no connection.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.Closed) })
	return nil
}

// Addr is none.
func (l *Listener) Addr() net.Addr { return &net.TCPAddr{} }

// Status reads an answer of HTTP/1 from the client's end of a connection, and gives its status; 0 if there is none. There is one value.
func Status(client net.Conn) <-chan int {
	status := make(chan int, 1)
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			status <- 0
			return
		}
		res.Body.Close()
		status <- res.StatusCode
	}()
	return status
}
