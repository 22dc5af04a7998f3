package proxy

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// keyPair is a certificate chain and its key in two PEM files. It is read again when one of them has changed; while they do not make
// a pair, the one before stays in use.
type keyPair struct {
	files [2]string // certificate, key
	log   *slog.Logger

	mu    sync.Mutex
	seen  [2]fileState // what was read last, or tried to
	again time.Time    // when that is tried again, for it failed; zero: it did not
	cert  *tls.Certificate
}

// readAgain is after how long files that could not be read, or were no pair, are read again although they look as they did: their modes
// may have been put right.
const readAgain = time.Second

// fileState is what changes when a file does. The zero state is that of no file.
type fileState struct {
	size int64
	at   time.Time
}

func stateOf(file string) fileState {
	info, err := os.Stat(file)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

// load reads the files. It is called under mu, or before anybody else knows p.
func (p *keyPair) load() error {
	p.seen, p.again = [2]fileState{stateOf(p.files[0]), stateOf(p.files[1])}, time.Now().Add(readAgain)
	cert, err := tls.LoadX509KeyPair(p.files[0], p.files[1])
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", p.files[0], p.files[1], err)
	}
	p.cert, p.again = &cert, time.Time{}
	return nil
}

// get gives the certificate for a new connection. Two files are looked at for it, which costs less than a hundredth of a handshake.
func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	changed := [2]fileState{stateOf(p.files[0]), stateOf(p.files[1])} != p.seen
	if !changed && (p.again.IsZero() || time.Now().Before(p.again)) {
		return p.cert, nil
	}
	switch err := p.load(); {
	case err == nil:
		p.log.Info("certificate changed", "cert", p.files[0])
	case changed:
		p.log.Warn("certificate not changed: the new files are no pair", "err", err)
	}
	return p.cert, nil
}
