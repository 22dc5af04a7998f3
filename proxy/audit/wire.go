package audit

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer is how much of an answer is looked at.
const maxAnswer = 256 << 10

// request is what goes over the wire, as it is written here: no client puts right what is meant to be odd.
type request struct {
	method, target string
	host           string   // "": the door's
	header         []string // whole lines
	body           string
}

type answer struct {
	status int
	body   string
}

// wire sends requests, each over a connection of its own.
type wire struct {
	base    *url.URL
	tls     *tls.Config
	timeout time.Duration
}

// path is a path below the door's root.
func (w *wire) path(p string) string { return strings.TrimSuffix(w.base.EscapedPath(), "/") + p }

func (w *wire) dial(ctx context.Context) (net.Conn, error) {
	host := w.base.Host
	if w.base.Port() == "" {
		host = net.JoinHostPort(w.base.Hostname(), map[string]string{"http": "80", "https": "443"}[w.base.Scheme])
	}
	var conn net.Conn
	var err error
	if w.base.Scheme == "https" {
		conf := w.tls.Clone()
		if conf == nil {
			conf = &tls.Config{}
		}
		conf.NextProtos = []string{"http/1.1"}
		conn, err = (&tls.Dialer{Config: conf}).DialContext(ctx, "tcp", host)
	} else {
		conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	return conn, conn.SetDeadline(deadline)
}

// text is a request as bytes.
func (w *wire) text(r request) string {
	var b strings.Builder
	host := r.host
	if host == "" {
		host = w.base.Host
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: logctl-audit\r\nAccept: application/json\r\nConnection: close\r\n", r.method, r.target, host)
	for _, line := range r.header {
		b.WriteString(line + "\r\n")
	}
	if r.body != "" || r.method != http.MethodGet && r.method != http.MethodHead {
		b.WriteString("Content-Length: " + strconv.Itoa(len(r.body)) + "\r\n")
	}
	b.WriteString("\r\n" + r.body)
	return b.String()
}

// send sends one request and reads its answer; of one that has no end, what came in time.
func (w *wire) send(ctx context.Context, r request) (answer, error) {
	got, err := w.raw(ctx, w.text(r), r.method, 1)
	if err != nil {
		return answer{}, err
	}
	return got[0], nil
}

// raw sends bytes and reads up to most answers. The error is that of the first one.
func (w *wire) raw(ctx context.Context, text, method string, most int) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	conn, err := w.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		return nil, err
	}
	var all []answer
	in := bufio.NewReader(conn)
	for len(all) < most {
		res, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			if len(all) == 0 {
				return nil, err
			}
			return all, nil
		}
		body, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // a feed ends with the deadline
		all = append(all, answer{res.StatusCode, string(body)})
	}
	return all, nil
}

// withoutCertificate is the same client with none to show.
func withoutCertificate(conf *tls.Config) *tls.Config {
	if conf == nil {
		return nil
	}
	conf = conf.Clone()
	conf.Certificates, conf.GetClientCertificate = nil, nil
	return conf
}
