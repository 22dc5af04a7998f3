// Package wire is the server's side of connections that strangers open: those that a Guard lets in, with or without TLS. In HTTP/1 each
// is read along (framing), so that a request with more than one reading gets to no handler, and costs little while it waits for the next
// one (conn).
package wire

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of connections. A body's are its reader's business: a feed or an upload may take for ever.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
	maxStreams = 100 // requests at once of an HTTP/2 connection
)

// NewServer makes the server for a NewListener, and for others, where all requests get to h. They end when base does; log gets what
// the server itself complains about.
func NewServer(base context.Context, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           oneReading{h},
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		BaseContext:       func(net.Listener) context.Context { return base },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ConnState:         tellIdle,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if c := connOf(c); c != nil {
				ctx = context.WithValue(ctx, connKey{}, c)
			}
			return ctx
		},
		DisableGeneralOptionsHandler: true, // oneReading has to count all requests
	}
}

// connKey is the key of a request's *conn in its context.
type connKey struct{}

// oneReading lets through what framing has found nothing wrong with.
type oneReading struct{ next http.Handler }

func (h oneReading) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close") // framing can't tell what comes behind a body in chunks
	}
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		if c.served++; c.framing.refuses(c.served) {
			w.Header().Set("Connection", "close")
			c.from.guard.Refuse(w, r)
			return
		}
	}
	h.next.ServeHTTP(w, r)
}
