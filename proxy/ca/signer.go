package ca

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"logctl/store"
)

// SignerOptions of a Signer. CA and Hosts are those that have no default.
type SignerOptions struct {
	CA     *CA
	Hosts  []string // names and addresses that machines reach it by
	Policy Policy
	Log    *slog.Logger // nil: nothing is logged
}

// Signer gives certificates over HTTPS:
//
//	POST /sign   a CSR in PEM with a secret: a certificate in PEM
//	POST /renew  a CSR in PEM, over TLS with the old certificate: a new one
//	GET  /ca     the root in PEM
//	GET  /crl    the revocation list in PEM
//
// Errors are JSON, {"error":WORD,"reason":TEXT}, as a CouchDB's are.
type Signer struct {
	o        SignerOptions
	guesses  guesses
	logged   guesses      // of what strangers can have the signer log, all as from one address
	unlogged atomic.Int64 // since the last line

	mu   sync.Mutex
	cert *tls.Certificate // the signer's own
}

// NewSigner makes a Signer with a certificate of its own.
func NewSigner(o SignerOptions) (*Signer, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Signer{o: o}
	var err error
	s.cert, err = o.CA.serverCertificate(o.Hosts)
	return s, err
}

// Limits of the signer's connections.
const (
	signTime    = 20 * time.Second // for a request and its answer
	signIdle    = 30 * time.Second
	maxHeader   = 16 << 10
	maxSignConn = 256 // connections at a time
	maxSignFrom = 16  // of one address
	upkeep      = 24 * time.Hour
)

// Serve answers at l, a plain listener, until ctx ends.
func (s *Signer) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:     s,
		ReadTimeout: signTime, WriteTimeout: signTime, IdleTimeout: signIdle, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.o.Log.Handler(), slog.LevelDebug),
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() { s.keepUp(ctx) })
	wait.Go(func() {
		<-ctx.Done()
		end, done := context.WithTimeout(context.Background(), signTime)
		defer done()
		_ = srv.Shutdown(end) // after that time connections are cut off
	})
	err := srv.Serve(tls.NewListener(newBounded(l), s.tls()))
	cancel()
	wait.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", l.Addr(), err)
}

// keepUp writes the revocation list anew and looks after the signer's own certificate, once a day.
func (s *Signer) keepUp(ctx context.Context) {
	t := time.NewTicker(upkeep)
	defer t.Stop()
	for {
		if err := s.o.CA.WriteCRL(); err != nil {
			s.o.Log.Error("revocation list not written", "err", err)
		}
		if cert, err := s.o.CA.serverCertificate(s.o.Hosts); err != nil {
			s.o.Log.Error("certificate not renewed", "err", err)
		} else {
			s.mu.Lock()
			s.cert = cert
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// tls asks for a certificate and takes any: those who renew with one that is not good are told why over HTTP.
func (s *Signer) tls() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.cert, nil
		},
	}
}

// bounded is a listener that has so many connections open at most; others wait. Of one address it takes fewer and closes the others,
// so that nobody holds them all.
type bounded struct {
	net.Listener
	slots chan struct{}

	mu   sync.Mutex
	from map[netip.Prefix]int
}

func newBounded(l net.Listener) *bounded {
	return &bounded{Listener: l, slots: make(chan struct{}, maxSignConn), from: map[netip.Prefix]int{}}
}

func (b *bounded) Accept() (net.Conn, error) {
	b.slots <- struct{}{}
	for {
		c, err := b.Listener.Accept()
		if err != nil {
			<-b.slots
			return nil, err
		}
		host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
		from := prefixOf(host)
		if b.enter(from) {
			return &boundedConn{Conn: c, free: sync.OnceFunc(func() { b.leave(from) })}, nil
		}
		_ = c.Close() // it is of no use
	}
}

func (b *bounded) enter(from netip.Prefix) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[from] == maxSignFrom {
		return false
	}
	b.from[from]++
	return true
}

func (b *bounded) leave(from netip.Prefix) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.from[from]--; b.from[from] == 0 {
		delete(b.from, from)
	}
	<-b.slots
}

type boundedConn struct {
	net.Conn
	free func()
}

func (c *boundedConn) Close() error {
	defer c.free()
	return c.Conn.Close()
}

// ServeHTTP answers one request.
func (s *Signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := s.answer(w, r)
	if err != nil {
		s.fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // an error here is the client's going
}

func (s *Signer) answer(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	isGet := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch path := r.URL.Path; {
	case path == "/ca" && isGet:
		return s.o.CA.Root(), nil
	case path == "/crl" && isGet:
		return s.o.CA.CRL()
	case path == "/sign" && r.Method == http.MethodPost:
		return s.sign(w, r)
	case path == "/renew" && r.Method == http.MethodPost:
		return s.renew(w, r)
	case path == "/ca" || path == "/crl" || path == "/sign" || path == "/renew":
		return nil, store.NewError(store.KindMethodNotAllowed, "POST /sign and /renew, GET /ca and /crl")
	}
	return nil, store.NewError(store.KindNotFound, "missing")
}

func readRequest(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxRequest))
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return nil, store.NewError(store.KindTooLarge, "The CSR is too long.")
	}
	if err != nil {
		return nil, bad("the body can't be read")
	}
	return text, nil
}

func (s *Signer) sign(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	text, err := readRequest(w, r)
	if err != nil {
		return nil, err
	}
	from := peer(r)
	if wait := s.guesses.take(from, time.Now()); wait > 0 {
		return nil, &tooMany{wait}
	}
	cert, wrong, err := s.o.CA.Sign(&s.o.Policy, text, from)
	if !wrong {
		s.guesses.back(from, time.Now())
	}
	if wrong || err == nil || s.mayLog() {
		s.tell("certificate given", "certificate refused", cert, err, from)
	}
	return cert, err
}

func (s *Signer) renew(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil, store.NewError(store.KindUnauthorized, "A renewal takes the old certificate, by TLS.")
	}
	old := r.TLS.PeerCertificates[0]
	_, err := old.Verify(x509.VerifyOptions{Roots: s.o.CA.pool(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, CurrentTime: old.NotBefore})
	if err != nil { // its end is looked at later, to say so
		return nil, store.NewError(store.KindForbidden, "The certificate is none that this CA has given to a client.")
	}
	text, err := readRequest(w, r)
	if err != nil {
		return nil, err
	}
	cert, err := s.o.CA.Renew(&s.o.Policy, old, text, peer(r))
	if err == nil || s.mayLog() {
		s.tell("certificate renewed", "renewal refused", cert, err, peer(r))
	}
	return cert, err
}

func (c *CA) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(c.root)
	return pool
}

// mayLog tells whether there is room in the log for one of those requests that anybody may send any number of. What has no room is counted.
// Wrong secrets, which have a bound of their own, have it always: nobody hides them among others.
func (s *Signer) mayLog() bool {
	if s.logged.take(guessShared, time.Now()) > 0 {
		s.unlogged.Add(1)
		return false
	}
	return true
}

// tell logs what became of a request.
func (s *Signer) tell(done, refused string, cert []byte, err error, from string) {
	if err != nil {
		s.o.Log.Warn(refused, "from", from, "kind", store.KindOf(err).Word(), "not_logged", s.unlogged.Swap(0))
		return
	}
	if c, err := parseCertificate(cert); err == nil {
		s.o.Log.Info(done, "name", c.Subject.CommonName, "serial", serialText(c), "until", c.NotAfter, "from", from)
	}
}

// peer is the address that a request comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// tooMany is the error of an address that has sent too many wrong secrets.
type tooMany struct{ wait time.Duration }

func (e *tooMany) Error() string { return "too many wrong secrets" }

// fail writes an error's answer.
func (s *Signer) fail(w http.ResponseWriter, err error) {
	kind, word, reason := store.KindInternal, "", "The CA met an error that it did not expect."
	var e *store.Error
	var many *tooMany
	switch {
	case errors.As(err, &many):
		kind, reason = store.KindTooManyRequests, "Too many wrong secrets have come from this address."
		w.Header().Set("Retry-After", strconv.Itoa(max(minRetrySecs, int(math.Ceil(many.wait.Seconds())))))
	case errors.As(err, &e) && e.Kind.Status() < http.StatusInternalServerError:
		kind, word, reason = e.Kind, e.Word, e.Error()
	case s.mayLog():
		s.o.Log.Error("request failed", "err", err, "not_logged", s.unlogged.Swap(0))
	}
	if word == "" {
		word = kind.Word()
	}
	body, _ := json.Marshal(map[string]string{"error": word, "reason": reason}) // strings always can be
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(kind.Status())
	_, _ = w.Write(append(body, '\n'))
}
