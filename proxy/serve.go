package proxy

import (
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
)

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
