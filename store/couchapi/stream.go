package couchapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"logctl/store/engine"
)

const (
	firstSpill = 32 << 10 // bytes gathered before they are written for the first time
	spillAt    = 64 << 10 // and then, which wakes the client less often
	keepStream = 1 << 20  // the largest buffer that is kept
)

var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 0, spillAt+4<<10); return &b }}

// stream is an answer that is written while it is made. Nothing goes out before the first spill that finds enough or the
// end, so that an error before that still has its own status.
type stream struct {
	x    *exchange
	buf  []byte
	pool *[]byte
	full int // when buf is written
}

func (x *exchange) stream() *stream {
	p := streamBuffers.Get().(*[]byte)
	return &stream{x: x, buf: (*p)[:0], pool: p, full: firstSpill}
}

// free gives the buffer back.
func (s *stream) free() {
	if cap(s.buf) <= keepStream {
		*s.pool = s.buf[:0]
		streamBuffers.Put(s.pool)
	}
	s.buf, s.pool = nil, nil
}

// spill writes what has been gathered once it is worth it.
func (s *stream) spill() error {
	if len(s.buf) < s.full {
		return nil
	}
	s.full = spillAt
	return s.write()
}

// write sends the status line if that has not been done, and what is in the buffer.
func (s *stream) write() error {
	s.begin()
	var err error
	if len(s.buf) > 0 && s.x.r.Method != http.MethodHead {
		_, err = s.x.w.Write(s.buf)
	}
	s.buf = s.buf[:0]
	return err
}

// begin sends the header of an answer of unknown length.
func (s *stream) begin() {
	x := s.x
	if x.sent {
		return
	}
	hdr := x.w.Header()
	if hdr.Get("Content-Type") == "" {
		hdr["Content-Type"] = []string{"application/json"}
	}
	if hdr.Get("Content-Length") == "" && x.r.ProtoMajor == 1 && x.r.ProtoMinor >= 1 && x.r.Method != http.MethodHead {
		hdr["Transfer-Encoding"] = []string{"chunked"} // also where all of it would fit a buffer, as CouchDB does
	}
	x.time()
	x.sent = true
	x.w.WriteHeader(http.StatusOK)
}

// flush writes what there is, all the way to the client.
func (s *stream) flush() error {
	if err := s.write(); err != nil {
		return err
	}
	return http.NewResponseController(s.x.w).Flush()
}

// end writes the rest.
func (s *stream) end() error { return s.write() }

// appendSeq appends an update sequence as clients see it: a string of the number and the database's instance, so that one
// of a database that has been deleted and made again is known as such.
func appendSeq(dst []byte, db *engine.DB, seq uint64) []byte {
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, seq, 10)
	dst = append(dst, '-')
	dst = append(dst, db.Instance()...)
	return append(dst, '"')
}

// hashTag is an entity tag of an answer that s tells apart.
func hashTag(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// stringList decodes a JSON array of strings.
func stringList(raw []byte) ([]string, bool) {
	var list []*string
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, false
	}
	out := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, false
		}
		out[i] = *s
	}
	return out, true
}
