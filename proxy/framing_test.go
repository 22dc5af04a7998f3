package proxy

import (
	"bytes"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"logctl/store"
)

// plainRequest is one of an HTTP/1 connection's as the strictest reader sees it.
type plainRequest struct {
	line    string // the first
	body    string // of a length, as far as it is there
	chunked bool
}

var (
	plainLine  = regexp.MustCompile(`HTTP/1\.[01]$`)
	plainField = regexp.MustCompile(`^[^ \t\r\n][^\r\n]*$`)
	plainCount = regexp.MustCompile(`^[0-9]+$`)
)

// readStrictly reads all of a connection at once, with whole lines and none of framing's ways. bad: what comes behind the requests is
// not to be answered. It is false where the bytes end too early to tell.
func readStrictly(raw string) (list []plainRequest, bad bool) {
	for {
		for strings.HasPrefix(raw, "\r\n") {
			raw = raw[2:]
		}
		header, rest, ok := strings.Cut(raw, "\r\n\r\n")
		if !ok {
			return list, false
		}
		raw = rest
		lines := strings.Split(header, "\r\n")
		r := plainRequest{line: lines[0]}
		if strings.ContainsAny(r.line, "\r\n") || !plainLine.MatchString(r.line) {
			return list, true
		}
		var said []string
		length := 0
		for _, line := range lines[1:] {
			if !plainField.MatchString(line) {
				return list, true
			}
			name, value, hasColon := strings.Cut(line, ":")
			if !hasColon {
				continue // net/http refuses it, as it does names with blanks
			}
			value = strings.Trim(value, " \t")
			switch string(bytes.ToLower([]byte(name))) {
			case "content-length":
				said = append(said, name)
				n, err := strconv.ParseInt(value, 10, 64)
				if err != nil || !plainCount.MatchString(value) || n > math.MaxInt64-8 {
					return list, true
				}
				length = int(n)
			case "transfer-encoding":
				said = append(said, name)
				if r.chunked = string(bytes.ToLower([]byte(value))) == "chunked"; !r.chunked || strings.HasSuffix(r.line, "0") {
					return list, true
				}
			}
		}
		if len(said) > 1 {
			return list, true
		}
		r.body = raw[:min(length, len(raw))]
		raw = raw[len(r.body):]
		list = append(list, r)
		if r.chunked {
			return list, true
		}
		if len(r.body) < length {
			return list, false
		}
	}
}

// tricks are requests that two servers may read in two ways. net/http takes those of the first kind without a word.
var tricks = []struct {
	name   string
	silent bool
	text   string // behind "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
}{
	{"both lengths", true, "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"both lengths, chunks first", true, "transfer-encoding:CHUNKED\r\nCONTENT-LENGTH:\t17 \r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"both lengths, none", true, "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"the same length twice", true, "Content-Length: 7\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a folded coding", true, "Transfer-Encoding:\r\n chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a folded field", true, "X: y\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a folded empty line", true, "X: y\r\n \r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a bare line feed", true, "X: y\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"a bare line feed behind the length", true, "Content-Length: 7\n\r\n{\"a\":1}"},
	{"a bare line feed at the end", true, "Content-Length: 7\r\n\n{\"a\":1}"},
	{"two lengths", false, "Content-Length: 7\r\nContent-Length: 8\r\n\r\n{\"a\":1} "},
	{"two lengths in one", false, "Content-Length: 7, 7\r\n\r\n{\"a\":1}"},
	{"a sign", false, "Content-Length: +7\r\n\r\n{\"a\":1}"},
	{"hexadecimal", false, "Content-Length: 0x7\r\n\r\n{\"a\":1}"},
	{"no number", false, "Content-Length:\r\n\r\n"},
	{"a number too large", false, "Content-Length: 18446744073709551623\r\n\r\n{\"a\":1}"},
	{"a blank before the colon", false, "Content-Length: 7\r\nTransfer-Encoding : chunked\r\n\r\n{\"a\":1}"},
	{"an unknown coding", false, "Transfer-Encoding: xchunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a list of codings", false, "Transfer-Encoding: identity, chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"no coding", false, "Transfer-Encoding:\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"two codings", false, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	{"a bare carriage return", false, "X: y\rContent-Length: 7\r\n\r\n{\"a\":1}"},
	{"no colon", false, "Content-Length 7\r\n\r\n{\"a\":1}"},
	{"no name", false, ": x\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
}

const (
	trickyPost = "POST /log_app HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	plainPost  = trickyPost + "Content-Length: 7\r\n\r\n{\"a\":1}"
	hiddenGet  = "GET /_up HTTP/1.1\r\nHost: x\r\n\r\n"
)

// TestTricks: framing finds each trick that net/http would take, however the bytes come, also behind other requests; of all it thinks as a
// reader of whole lines does.
func TestTricks(t *testing.T) {
	t.Parallel()
	for _, tt := range tricks {
		for before := range 3 {
			raw := []byte(strings.Repeat(plainPost+"\r\n", before) + trickyPost + tt.text + hiddenGet)
			list, bad := readStrictly(string(raw))
			if tt.silent && (!bad || len(list) != before) {
				t.Errorf("%s, behind %d: read strictly, %d requests", tt.name, before, len(list))
			}
			for cut := range raw {
				var f framing
				f.read(raw[:cut])
				f.read(raw[cut:])
				n := int64(len(list)) + 1
				if f.refuses(n-1) || f.refuses(n) != bad || f.refuses(n+1) != bad {
					t.Fatalf("%s, behind %d, cut at %d: the first bad request is %d", tt.name, before, cut, f.bad.Load())
				}
			}
		}
	}
}

// talk sends bytes, in pieces that end at the cuts, and gives the answers until the connection is closed.
func talk(t *testing.T, conn net.Conn, raw string, cuts ...int) string {
	t.Helper()
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	from := 0
	for _, cut := range append(cuts, len(raw)) {
		if _, err := io.WriteString(conn, raw[from:cut]); err != nil {
			break // refused before the end
		}
		if from = cut; cut < len(raw) {
			time.Sleep(time.Millisecond / 2) // so that it comes by itself
		}
	}
	answers, err := io.ReadAll(conn)
	if len(answers) == 0 {
		t.Errorf("%q: %v", raw, err)
	}
	return string(answers)
}

// tricked is a door that strangers send tricks to, plainly and over TLS.
type tricked struct {
	door  *Door
	plain net.Addr
	tls   net.Addr
	conf  *tls.Config // of clients
}

func newTricked(t *testing.T, store, h http.Handler) *tricked {
	t.Helper()
	certFile, keyFile, pool := makeCert(t)
	conf, err := TLSConfig(certFile, keyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := &tricked{door: newDoor(store), conf: &tls.Config{RootCAs: pool, ServerName: "127.0.0.1"}}
	if h == nil {
		h = d.door
	}
	d.plain, d.tls = serveAt(t, d.door, h, nil), serveAt(t, d.door, h, conf)
	return d
}

// dial connects plainly, or over TLS with HTTP/1.1 chosen or with nothing said of it.
func (d *tricked) dial(t *testing.T, way string) net.Conn {
	t.Helper()
	var c net.Conn
	var err error
	switch way {
	case "plain":
		c, err = net.Dial("tcp", d.plain.String())
	case "tls", "tls without ALPN":
		conf := d.conf.Clone()
		if way == "tls" {
			conf.NextProtos = []string{"http/1.1"}
		}
		c, err = tls.Dial("tcp", d.tls.String(), conf)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var waysIn = []string{"plain", "tls", "tls without ALPN"}

// TestOneReading sends each trick over sockets. The door refuses it in its own words where net/http would take it, the store is never
// asked, and nothing that comes behind is answered.
func TestOneReading(t *testing.T) {
	t.Parallel()
	d := newTricked(t, untouched(t), nil)
	refused := int64(0)
	for _, way := range waysIn {
		for _, tt := range tricks {
			got := talk(t, d.dial(t, way), trickyPost+tt.text+hiddenGet)
			if strings.Count(got, "HTTP/1.1 ") != 1 || !strings.HasPrefix(got, "HTTP/1.1 400 ") && (tt.silent || !strings.HasPrefix(got, "HTTP/1.1 501 ")) {
				t.Errorf("%s, %s: %s", way, tt.name, got)
			}
			if !tt.silent {
				continue
			}
			refused++
			if !strings.Contains(got, "\r\nConnection: close\r\n") || !strings.HasSuffix(got, `{"error":"bad_request","reason":"The request's header is not in its plain form."}`+"\n") {
				t.Errorf("%s, %s: %s", way, tt.name, got)
			}
		}
	}
	elsewhere := newTricked(t, untouched(t), untouched(t))
	if got := talk(t, elsewhere.dial(t, "plain"), trickyPost+tricks[0].text+hiddenGet); !strings.HasPrefix(got, "HTTP/1.1 400 ") || strings.Count(got, "HTTP/1.1 ") != 1 {
		t.Errorf("for another handler than the door: %s", got)
	}
	if n := d.door.counters.refused[store.KindBadRequest].Load(); n != refused {
		t.Errorf("%d counted as refused, want %d", n, refused)
	}
}

// TestOneReadingInPieces cuts requests at each byte.
func TestOneReadingInPieces(t *testing.T) {
	t.Parallel()
	f := newFakeCouch()
	d := newTricked(t, f, nil)
	raw := plainPost + plainPost + trickyPost + tricks[0].text + hiddenGet
	for _, way := range waysIn[:2] {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			all := make([]int, len(raw))
			for i := range all {
				all[i] = i
			}
			for _, cuts := range append([][]int{all, nil}, chunks(all, 1)...) {
				got := talk(t, d.dial(t, way), raw, cuts...)
				if strings.Count(got, "HTTP/1.1 ") != 3 || strings.Count(got, "HTTP/1.1 201 ") != 2 || strings.Count(got, "HTTP/1.1 400 ") != 1 {
					t.Fatalf("%v: %s", cuts, got)
				}
			}
		})
	}
}

func chunks(list []int, n int) (all [][]int) {
	for len(list) >= n {
		all, list = append(all, list[:n]), list[n:]
	}
	return all
}

// TestOneReadingCounts: framing and the server number requests alike, whatever those are.
func TestOneReadingCounts(t *testing.T) {
	t.Parallel()
	bad := trickyPost + tricks[0].text + hiddenGet
	for _, tt := range []struct {
		name, text string
		statuses   string // of the answers
	}{
		{"others before", plainPost + hiddenGet + plainPost + bad, "201 200 201 400"},
		{"an empty line before", plainPost + "\r\n" + bad, "201 400"},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n" + bad, "400 400"},
		{"HEAD", "HEAD /_up HTTP/1.1\r\nHost: x\r\n\r\n" + bad, "200 400"},
		{"a body that nobody reads", "GET /log_app HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123456789" + bad, "401 400"},
		{"100-continue", trickyPost + "Expect: 100-continue\r\nContent-Length: 7\r\n\r\n{\"a\":1}" + bad, "100 201 400"},
		{"the trick waits for 100-continue", trickyPost + "Expect: 100-continue\r\n" + tricks[0].text + hiddenGet, "400"},
		{"HTTP/1.0", "GET /_up HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + bad, "200 400"},
		{"chunks in HTTP/1.0", "POST /log_app HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n", "400"},
		{"HTTP/1.2", "GET /_up HTTP/1.2\r\nHost: x\r\n\r\n" + hiddenGet, "400"},
		{"an upgrade to HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
		{"bare line feeds", strings.ReplaceAll(plainPost, "\r\n", "\n") + hiddenGet, "400"},
		{"a bare line feed before", plainPost + "\n" + hiddenGet, "201 400"},
		{"a long header", trickyPost + "X: " + strings.Repeat("x", 9000) + "\r\nContent-Length: 7\r\n\r\n{\"a\":1}" + bad, "201 400"},
		{"a long body", trickyPost + "Content-Length: 9000\r\n\r\n{\"a\":1}" + strings.Repeat(" ", 8993) + bad, "201 400"},
		{"names that are like", trickyPost + "Content-Lengths: x\r\nContent-: y\r\nTransfer-Encoding2: z\r\nT: t\r\nc:\r\nContent-Length: 0007\r\n\r\n{\"a\":1}" + bad, "201 400"},
	} {
		for _, way := range waysIn {
			d := newTricked(t, newFakeCouch(), nil)
			var statuses []string
			for _, m := range regexp.MustCompile(`HTTP/1\.[01] ([0-9]{3}) `).FindAllStringSubmatch(talk(t, d.dial(t, way), tt.text), -1) {
				statuses = append(statuses, m[1])
			}
			if got := strings.Join(statuses, " "); got != tt.statuses {
				t.Errorf("%s, %s: %s, want %s", way, tt.name, got, tt.statuses)
			}
		}
	}
}

// TestChunkedEndsConnection: what stands behind a body in chunks is never answered, whoever has answered that.
func TestChunkedEndsConnection(t *testing.T) {
	t.Parallel()
	const chunked = trickyPost + "Transfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n0\r\n\r\n"
	forgets := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Del("Connection")
	})
	for _, way := range waysIn {
		d := newTricked(t, newFakeCouch(), nil)
		for _, raw := range []string{chunked + hiddenGet, strings.Replace(chunked, "/log_app", "/log_app/_all_docs", 1) + hiddenGet} {
			if got := talk(t, d.dial(t, way), raw); strings.Count(got, "HTTP/1.1 ") != 1 || !strings.Contains(got, "\r\nConnection: close\r\n") {
				t.Errorf("%s: %s", way, got)
			}
		}
		d = newTricked(t, untouched(t), forgets)
		if got := talk(t, d.dial(t, way), chunked+hiddenGet); strings.Count(got, "HTTP/1.1 200 ") != 1 || strings.Count(got, "HTTP/1.1 400 ") != 1 {
			t.Errorf("%s, a handler that keeps the connection: %s", way, got)
		}
	}
}

// FuzzFraming holds framing, with bytes in pieces of any size, against a strict reading of the whole.
func FuzzFraming(f *testing.F) {
	for _, tt := range tricks {
		f.Add([]byte(plainPost+trickyPost+tt.text+hiddenGet), uint16(5))
	}
	f.Add([]byte("\r\n"+hiddenGet+"\r\n\r\n"+plainPost), uint16(1))
	f.Add([]byte("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), uint16(3))
	f.Add([]byte("GET / HTTP/1.1\r\nContent-Length: 9223372036854775799\r\n\r\nx"), uint16(9))
	f.Fuzz(func(t *testing.T, raw []byte, size uint16) {
		list, bad := readStrictly(string(raw))
		var fr framing
		for rest := raw; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			fr.read(rest[:n])
			rest = rest[n:]
		}
		got := fr.bad.Load()
		if fr.requests != int64(len(list)) || bad && got != fr.requests+1 || !bad && got != 0 && got != fr.requests+1 {
			t.Errorf("%d requests, then bad %v; framing has %d and %d", len(list), bad, fr.requests, got)
		}
	})
}

// BenchmarkFraming reads the headers of what curl and Go's client send.
func BenchmarkFraming(b *testing.B) {
	raw := []byte("POST /log_app HTTP/1.1\r\nHost: log.example.com:5984\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 98\r\n" +
		"Accept: application/json\r\nAuthorization: Bearer lct_" + strings.Repeat("x", 72) + "\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\n\r\n" +
		strings.Repeat("x", 98))
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	var f framing
	for b.Loop() {
		f.read(raw)
	}
	if f.bad.Load() != 0 || f.requests != int64(b.N) {
		b.Error(f.bad.Load(), f.requests)
	}
}
