package storebench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// target is where requests go.
type target struct {
	addr, host, path string
	tls              bool
	auth             string // a header line, "" for none
}

func newTarget(base, user, password string) (target, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return target{}, fmt.Errorf("the server's URL is not one: %q", base)
	}
	t := target{addr: u.Host, host: u.Host, path: strings.TrimSuffix(u.EscapedPath(), "/"), tls: u.Scheme == "https"}
	if u.Port() == "" {
		t.addr = net.JoinHostPort(u.Hostname(), map[bool]string{true: "443", false: "80"}[t.tls])
	}
	if user != "" {
		t.auth = "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
	}
	return t, nil
}

// request is a whole request, as bytes.
func (t *target) request(method, path string, body []byte) []byte {
	req := make([]byte, 0, 256+len(path)+len(body))
	req = fmt.Appendf(req, "%s %s%s HTTP/1.1\r\nHost: %s\r\n%sAccept: application/json\r\n", method, t.path, path, t.host, t.auth)
	if body != nil {
		req = fmt.Appendf(req, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(req, "\r\n"...), body...)
}

// wire is one connection, kept between requests.
type wire struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
	stop func() bool
}

// dial connects; the end of ctx ends what the connection is at.
func (t *target) dial(ctx context.Context) (*wire, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", t.addr)
	if err != nil {
		return nil, err
	}
	if t.tls {
		host, _, _ := net.SplitHostPort(t.addr)
		conn = tls.Client(conn, &tls.Config{ServerName: host})
	}
	w := &wire{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}
	w.stop = context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	return w, nil
}

func (w *wire) close() {
	w.stop()
	w.conn.Close()
}

var errAnswer = errors.New("the server's answer is no HTTP/1.1")

// do sends a request and reads the answer; body holds until the next call.
func (w *wire) do(request []byte) (status int, body []byte, err error) {
	if _, err := w.conn.Write(request); err != nil {
		return 0, nil, err
	}
	return w.answer()
}

func (w *wire) answer() (status int, body []byte, err error) {
	status, length, err := w.head()
	w.body = w.body[:0]
	if err == nil && length == chunked {
		err = w.chunks()
	} else if err == nil {
		err = w.read(length)
	}
	if err != nil {
		return 0, nil, err
	}
	return status, w.body, nil
}

// chunked is the length of a body that comes in pieces, each with its own.
const chunked = -1

// head reads the status line and the header.
func (w *wire) head() (status, length int, err error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	const version, end = len("HTTP/1.1 "), len("HTTP/1.1 200")
	if len(line) < end || string(line[:version]) != "HTTP/1.1 " {
		return 0, 0, errAnswer
	}
	code, err := strconv.ParseUint(string(line[version:end]), 10, 16)
	for err == nil {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return int(code), length, nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			var n uint64
			n, err = strconv.ParseUint(string(value), 10, 31)
			length = int(n)
		case bytes.EqualFold(name, []byte("Transfer-Encoding")) && bytes.EqualFold(value, []byte("chunked")):
			length = chunked
		}
	}
	return 0, 0, errAnswer
}

// chunks reads a body that comes in pieces. Servers send no trailers unless they are asked to.
func (w *wire) chunks() error {
	for {
		line, err := w.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return errAnswer
		}
		if err := w.read(int(n)); err != nil {
			return err
		}
		if _, err := w.in.Discard(len("\r\n")); err != nil || n == 0 {
			return err
		}
	}
}

// read appends n bytes to body, whose memory grows as they come.
func (w *wire) read(n int) error {
	const piece = 1 << 20
	for n > 0 {
		at, more := len(w.body), min(n, piece)
		w.body = slices.Grow(w.body, more)[:at+more]
		if _, err := io.ReadFull(w.in, w.body[at:]); err != nil {
			return err
		}
		n -= more
	}
	return nil
}

// answered errs on an answer of another status than the one that was expected.
func answered(status, want int, body []byte) error {
	if status == want {
		return nil
	}
	return fmt.Errorf("the server answers %d: %.200s", status, bytes.TrimSpace(body))
}
