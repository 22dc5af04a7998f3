package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits of connections. A body's are its reader's business: a feed or an upload may take for ever.
const (
	headerTime = 10 * time.Second
	idleTime   = 2 * time.Minute
	maxHeader  = 32 << 10
	maxStreams = 100 // requests at once of an HTTP/2 connection
)

// NewServer makes the HTTP server for a door. Requests end when base does, log gets what the server itself complains about. At a Door's
// Listener, the door refuses requests that have more than one reading, whatever h is.
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
			c.from.door.refuseFraming(w, r)
			return
		}
	}
	h.next.ServeHTTP(w, r)
}

// TLSConfig is TLS 1.2 and later with the certificate chain and key in two PEM files, which are read again when they change.
func TLSConfig(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	pair := &keyPair{files: [2]string{certFile, keyFile}, log: log}
	if err := pair.load(); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: pair.get,
		NextProtos:     []string{"h2", "http/1.1"},
	}, nil
}

// AskForCertificates has a TLS server take the certificates of clients that have one, by the CAs of the moment when a connection is
// made. What they are for, the door decides. Nothing else of conf may be changed afterwards.
func AskForCertificates(conf *tls.Config, cas func() *x509.CertPool) {
	conf.ClientAuth = tls.VerifyClientCertIfGiven
	each := conf.Clone()
	conf.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := each.Clone()
		c.ClientCAs = cas()
		return c, nil
	}
}

// Redirect sends every request to the same place over TLS, at the port where secure listens. The method and the body are to be
// sent again; that they have crossed the network in the clear is for the client's author to see from the status.
func Redirect(secure net.Addr) http.Handler {
	return redirect(secure, func(string) bool { return true })
}

// redirect is Redirect for those hosts that isOurs knows, in small letters and without a dot at the end.
func redirect(secure net.Addr, isOurs func(host string) bool) http.Handler {
	port := ""
	if a, ok := secure.(*net.TCPAddr); ok && a.Port != 443 {
		port = fmt.Sprintf(":%d", a.Port)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		host, ok := plainHost(r.Host)
		if path := r.URL.EscapedPath(); !ok || !isOurs(host) || path != "" && path[0] != '/' {
			http.Error(w, "no host", http.StatusBadRequest)
			return
		}
		to := "https://" + host + port + r.URL.EscapedPath()
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

// plainHost is the host in a header Host, in small letters, without the port and a dot at the end. What is no name of letters, digits and
// hyphens and no address, other readers might understand in other ways.
func plainHost(header string) (host string, ok bool) {
	host, port, hasPort := header, "", false
	if i := strings.LastIndexByte(header, ':'); i > strings.LastIndexByte(header, ']') {
		host, port, hasPort = header[:i], header[i+1:], true
	}
	if _, err := strconv.ParseUint(port, 10, 16); hasPort && err != nil {
		return "", false
	}
	if ip, ok := strings.CutPrefix(host, "["); ok {
		ip, closed := strings.CutSuffix(ip, "]")
		addr, err := netip.ParseAddr(ip)
		return "[" + addr.String() + "]", closed && err == nil && addr.Is6() && addr.Zone() == ""
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host, plainName.MatchString(host)
}

// plainName are the names and IPv4 addresses that a redirect leads to. Machines in a local network may have an underscore in theirs.
var plainName = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)
