package replicate

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"testing"

	"logctl/store"
)

// TestUntrusted: a certificate that is not trusted is not asked for again, and it is told what to do about it.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	p := &Peer{URL: "https://db.example.com/log_app"}
	untrusted := p.unreachable(context.Background(), &url.Error{Op: "Get", Err: &tls.CertificateVerificationError{Err: errors.New("unknown")}})
	var e *store.Error
	if transient(untrusted) || !errors.As(untrusted, &e) || e.Hint != store.HintCertificate {
		t.Errorf("not trusted: transient %t, %#v", transient(untrusted), e)
	}
	away := p.unreachable(context.Background(), &url.Error{Op: "Get", Err: io.EOF})
	if !transient(away) || !errors.As(away, &e) || e.Hint != "" {
		t.Errorf("away: transient %t, %#v", transient(away), e)
	}
}
