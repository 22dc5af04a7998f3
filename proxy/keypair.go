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

	mu   sync.Mutex
	seen [2]fileState // what was read last, or tried to
	cert *tls.Certificate
}

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
	p.seen = [2]fileState{stateOf(p.files[0]), stateOf(p.files[1])}
	cert, err := tls.LoadX509KeyPair(p.files[0], p.files[1])
	if err != nil {
		return fmt.Errorf("read the certificate %s and its key %s: %w", p.files[0], p.files[1], err)
	}
	p.cert = &cert
	return nil
}

// get gives the certificate for a new connection. Two files are looked at for it, which costs less than a hundredth of a handshake.
func (p *keyPair) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := [2]fileState{stateOf(p.files[0]), stateOf(p.files[1])}; now == p.seen {
		return p.cert, nil
	}
	if err := p.load(); err != nil {
		p.log.Warn("certificate not changed: the new files are no pair", "err", err)
	} else {
		p.log.Info("certificate changed", "cert", p.files[0])
	}
	return p.cert, nil
}
