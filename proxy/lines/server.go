package lines

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"logctl/store"
)

// Options of a Server. Sink and Compile have no default.
type Options struct {
	SyslogUDP, SyslogTCP, SyslogTLS, LinesTLS string // addresses to listen at; "": not

	TLS   *tls.Config // of SyslogTLS and LinesTLS
	Table *Table      // nil: no routes

	Sink    Sink                                        // stores messages and rejects, as the writer
	Prepare func(ctx context.Context, app string) error // makes an app that is missing; nil: nobody here can
	Owned   func(app string) bool                       // apps that syslog and lines get to by a route's word alone, not by a message's; nil: none
	Compile func(Format) (func() Formatter, error)      // makes the Formatters that routes ask for
	Extend  func(buf []byte, start int) []byte          // adds members to the doc in buf[start:] that make no other doc of it; nil: none
	Log     *slog.Logger                                // nil: nothing is logged

	MaxMessage int           // bytes of a message that are kept; 0: 256 KiB
	MaxHeld    int64         // bytes of messages that are not on disk yet; 0: 16 MiB
	MaxConns   int           // connections at a time; 0: 10,000
	IdleTime   time.Duration // for which a connection may be silent; 0: an hour
}

const (
	defaultMaxMessage = 256 << 10
	defaultMaxHeld    = 16 << 20
	defaultMaxConns   = 10_000
	tellEvery         = time.Minute
	drainTime         = 5 * time.Second // for what is read to get on disk when the server stops
)

// Server runs the inputs.
type Server struct {
	o        Options
	log      *slog.Logger
	counters *Counters
	shop     *shop
	queue    *queue
	apps     *apps

	budget budget
	teller teller

	closers []func() error
	listens map[string]string
	ending  chan struct{} // closed when Stop begins
	group   sync.WaitGroup

	mu      sync.Mutex
	stopped bool
	conns   map[net.Conn]struct{}
}

// Start listens at the addresses of o. Errors are of addresses that can't be listened at, and of formats that are not understood.
func Start(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Table == nil {
		o.Table = &Table{MaxApps: defaultMaxApps}
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = defaultMaxMessage
	}
	if o.MaxHeld == 0 {
		o.MaxHeld = defaultMaxHeld
	}
	if o.MaxConns == 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.IdleTime == 0 {
		o.IdleTime = idleTime
	}
	formats, err := compile(o.Table, o.Compile)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Log, counters: &Counters{}, ending: make(chan struct{}), conns: map[net.Conn]struct{}{}, listens: map[string]string{}}
	s.budget.left.Store(o.MaxHeld / 2)
	s.teller = teller{counters: s.counters, log: s.log, told: map[string]int64{}}
	s.shop = &shop{table: o.Table, extend: o.Extend, counters: s.counters, compiled: formats}
	s.apps = newApps(o.Table, o.Prepare)
	s.queue = newQueue(o.Sink, s.apps.prepare, o.MaxHeld, s.counters, s.log)
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	s.group.Go(s.tell)
	return s, nil
}

// Counters are what the server has counted since it was started.
func (s *Server) Counters() *Counters { return s.counters }

func (s *Server) listen() error {
	if s.o.SyslogUDP != "" {
		addr, err := net.ResolveUDPAddr("udp", s.o.SyslogUDP)
		if err != nil {
			return fmt.Errorf("listen for syslog over UDP: %w", err)
		}
		conn, err := net.ListenUDP("udp", addr)
		if err != nil {
			return fmt.Errorf("listen for syslog over UDP: %w", err)
		}
		s.closers = append(s.closers, conn.Close)
		s.group.Go(func() { s.udp(conn) })
		s.listening("syslog-udp", conn.LocalAddr())
	}
	for _, way := range []struct {
		address, what, kind string
		tls                 *tls.Config
	}{
		{s.o.SyslogTCP, "syslog-tcp", InputSyslog, nil},
		{s.o.SyslogTLS, "syslog-tls", InputSyslog, s.o.TLS},
		{s.o.LinesTLS, "lines-tls", InputLines, s.o.TLS},
	} {
		if way.address == "" {
			continue
		}
		l, err := net.Listen("tcp", way.address)
		if err != nil {
			return fmt.Errorf("listen for %s: %w", way.what, err)
		}
		s.closers = append(s.closers, l.Close)
		s.group.Go(func() { s.accept(l, way.kind, way.tls) })
		s.listening(way.what, l.Addr())
	}
	return nil
}

func (s *Server) listening(input string, at net.Addr) {
	s.listens[input] = at.String()
	s.log.Info("listening", "input", input, "address", at.String())
}

// Addresses are where inputs listen: syslog-udp, syslog-tcp, syslog-tls and lines-tls, as far as they do.
func (s *Server) Addresses() map[string]string { return s.listens }

// take makes a doc of a message and has it stored; false says that there is no room for it, or that the server stops. wait says whether
// to wait for room.
func (s *Server) take(message []byte, cut bool, o *origin, wait bool) bool {
	m := s.shop.take()
	defer s.shop.give(m)
	o.owned = s.o.Owned
	var db store.DBName
	var i item
	var verdict Verdict
	if o.input == InputLines {
		db, i, verdict = m.line(message, cut, o)
	} else {
		db, i, verdict = m.syslog(message, cut, o)
	}
	if verdict == Skip {
		return true
	}
	return s.queue.put(s.apps.admit(db, o.input), i, wait)
}

// tell says once a minute what is wrong.
func (s *Server) tell() {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.teller.tell()
		case <-s.ending:
			return
		}
	}
}

// Stop closes the listeners and connections, and returns when what was read is on disk, or given up after a while.
func (s *Server) Stop() error {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return nil
	}
	s.stopped = true
	close(s.ending)
	var errs []error
	for _, c := range s.closers {
		errs = append(errs, c())
	}
	for conn := range s.conns {
		_ = conn.SetReadDeadline(time.Now()) // what it is in the middle of is stored
	}
	s.mu.Unlock()
	// Who waits for room gets it as long as the store works.
	timer := time.AfterFunc(drainTime, s.queue.refuse)
	s.group.Wait()
	timer.Stop()
	s.queue.close(drainTime)
	s.teller.tell()
	return errors.Join(errs...)
}
