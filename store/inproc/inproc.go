// Package inproc is HTTP within one process: a handler's clients without a network between.
package inproc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"

	"logctl/store"
)

// Transport is a client's way to a handler: requests are answered as if c had sent them, without a socket and whatever
// credentials they carry. The zero Caller is an anonymous one.
//
// Answers stream through a pipe while the handler writes them; reading slowly slows the handler down, closing the body or
// ending the request's context ends it. Whoever uses the transport must read or close every body, as with any other.
func Transport(h http.Handler, c store.Caller) http.RoundTripper { return &transport{h: h, caller: c} }

type transport struct {
	h      http.Handler
	caller store.Caller
}

// RoundTrip runs the handler in a goroutine that ends before the body's Close returns.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancel(store.WithCaller(r.Context(), t.caller))
	in := r.Clone(ctx)
	in.RequestURI = r.URL.RequestURI()
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{pipe: pw, header: http.Header{}, ready: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer in.Body.Close()
		err := serve(t.h, w, in)
		w.WriteHeader(http.StatusOK) // where the handler wrote nothing
		if err == nil {
			err = ctx.Err()
		}
		pw.CloseWithError(err) // an answer that was cut short must not look whole
	}()
	select {
	case <-w.ready:
	case <-ctx.Done():
		err := ctx.Err()
		pr.CloseWithError(err)
		cancel()
		<-done
		return nil, err
	}
	body := &pipeBody{pr: pr, cancel: cancel, done: done, err: ctx.Err}
	// The context ends a read that waits for the handler, too.
	body.stop = context.AfterFunc(ctx, func() { pr.CloseWithError(ctx.Err()) })
	return w.response(r, body), nil
}

// serve runs the handler. One that aborts its answer, as it does at a socket, has its reader told.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			err = io.ErrUnexpectedEOF
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

// pipeWriter is the ResponseWriter of an answer that goes through a pipe.
type pipeWriter struct {
	pipe   *io.PipeWriter
	header http.Header
	once   sync.Once
	ready  chan struct{} // closed when sent and status are final

	status int
	sent   http.Header // as the header was when the status line went out
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.ready)
	})
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.pipe.Write(p)
}

// FlushError does nothing: whatever is written is at the reader's disposal.
func (w *pipeWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}

func (w *pipeWriter) response(r *http.Request, body io.ReadCloser) *http.Response {
	res := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body, Request: r, ContentLength: -1,
	}
	if w.sent.Get("Transfer-Encoding") != "" {
		w.sent.Del("Transfer-Encoding")
		res.TransferEncoding = []string{"chunked"}
	}
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		res.ContentLength = n
	}
	return res
}

// pipeBody is the body of such an answer.
type pipeBody struct {
	pr     *io.PipeReader
	cancel context.CancelFunc
	stop   func() bool
	done   chan struct{}
	err    func() error // the context's
}

func (b *pipeBody) Read(p []byte) (int, error) {
	n, err := b.pr.Read(p)
	if errors.Is(err, io.ErrClosedPipe) && b.err() != nil {
		err = b.err()
	}
	return n, err
}

// Close ends the handler and waits for it.
func (b *pipeBody) Close() error {
	b.stop()
	b.cancel()
	b.pr.Close()
	<-b.done
	return nil
}
